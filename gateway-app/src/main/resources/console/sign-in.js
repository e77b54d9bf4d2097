/** The form that asks for a token. */

import { h } from './dom.js';

/**
 * Makes the page that asks for a token.
 *
 * @param {string} problem why it asks, if there was a token; else empty
 * @param {function(string): Promise<?string>} attempt tries a token; gives what is wrong with it, or null
 * @returns {HTMLElement} the page
 */
export function signInPage(problem, attempt) {
  const input = h('input', {
    type: 'password',
    id: 'token',
    name: 'token',
    autocomplete: 'off',
    spellcheck: 'false',
    autocapitalize: 'none',
    required: true,
    'aria-describedby': 'token-hint token-error',
  });
  const error = h('p', { class: 'field-error', id: 'token-error', role: 'alert', text: problem });
  const form = h(
    'form',
    { class: 'card sign-in', novalidate: true },
    h('h1', { tabindex: '-1', text: 'Sign in' }),
    h('div', { class: 'field' }, h('label', { for: 'token', text: 'Token' }), input, error),
    h('p', {
      class: 'hint',
      id: 'token-hint',
      text: 'A token of this gateway. The first one was written to a file, and its place to the log, at the first start. It is kept for this tab only.',
    }),
    h('button', { type: 'submit', class: 'primary', text: 'Sign in' }),
  );
  const refuse = (text) => {
    error.textContent = text;
    input.setAttribute('aria-invalid', 'true');
    input.focus();
  };
  let busy = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy) {
      return;
    }
    const value = input.value.trim();
    if (value === '') {
      refuse('A token is needed.');
      return;
    }
    busy = true;
    const wrong = await attempt(value);
    busy = false;
    if (wrong !== null) {
      refuse(wrong);
    }
  });
  queueMicrotask(() => input.focus());
  return form;
}
