/** Short messages at the edge of the page, read out by screen readers. */

import { h } from './dom.js';

const GOOD_MILLIS = 5000;
const BAD_MILLIS = 12000;
const MOST = 4;

/** @param {string} text what was done */
export function done(text) {
  show('good', text, '');
}

/** @param {{title?: string, message: string, detail?: string}} problem what went wrong */
export function failed(problem) {
  show('bad', problem.title ?? 'That did not work', problem.detail ?? problem.message);
}

function show(kind, title, detail) {
  const toasts = document.getElementById('toasts');
  const toast = h(
    'div',
    { class: `toast ${kind}` },
    h('div', {}, h('strong', { text: title }), detail ? h('p', { text: detail }) : null),
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', text: '×', onclick: () => toast.remove() }),
  );
  toasts.append(toast);
  while (toasts.childElementCount > MOST) {
    toasts.firstElementChild.remove();
  }
  setTimeout(() => toast.remove(), kind === 'good' ? GOOD_MILLIS : BAD_MILLIS);
}
