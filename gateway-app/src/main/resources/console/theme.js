/** Light, dark, or what the system says. */

import { h, replace } from './dom.js';

const KEY = 'fused-gateway-theme';
const ORDER = ['auto', 'light', 'dark'];
const NAMES = { auto: 'system', light: 'light', dark: 'dark' };

/**
 * Makes a button the switch between themes.
 *
 * @param {HTMLButtonElement} button the button
 */
export function install(button) {
  apply(button, localStorage.getItem(KEY));
  button.addEventListener('click', () => {
    const next = ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length];
    localStorage.setItem(KEY, next);
    apply(button, next);
  });
}

function chosen() {
  return document.documentElement.dataset.theme ?? 'auto';
}

function apply(button, wanted) {
  const theme = ORDER.includes(wanted) ? wanted : 'auto';
  if (theme === 'auto') {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
  button.setAttribute('aria-label', `Theme: ${NAMES[theme]}`);
  replace(button, h('span', { class: 'wide-only', text: 'Theme: ' }), NAMES[theme]);
}
