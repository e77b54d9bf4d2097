/** Forms in dialogs: what is wrong is said at the field that it is about. */

import { h, replace } from './dom.js';
import * as notify from './notify.js';

let ids = 0;

/**
 * A field of a form.
 *
 * @typedef {object} Field
 * @property {string} name as the API calls it
 * @property {string} label for people
 * @property {'text'|'number'|'textarea'|'checkbox'|'select'|'password'} [type] text if absent
 * @property {string} [hint] what may be given
 * @property {string|boolean} [value] what it begins with
 * @property {boolean} [required] whether it must not be empty
 * @property {[string, string][]} [options] values and texts of a select
 * @property {function(string, object): ?string} [check] says what is wrong with a value
 * @property {function(object): boolean} [shown] whether it matters, by the other values
 */

/**
 * Opens a dialog with a form, and closes it when it was submitted well or given up.
 *
 * @param {object} form
 * @param {string} form.title what it does
 * @param {(Node|string)[]} [form.intro] what there is to know before
 * @param {Field[]} form.fields its fields
 * @param {string} form.submit the button's text
 * @param {boolean} [form.dangerous] whether it destroys something
 * @param {function(object): Promise<?string>} form.onSubmit does it with the values by name; gives what to tell when it
 *     is done; a problem that it throws is shown in the form
 * @returns {Promise<boolean>} whether it was done
 */
export function openForm({ title, intro = [], fields, submit, dangerous = false, onSubmit }) {
  const id = `form-${++ids}`;
  const summary = h('div', { class: 'problem', id: `${id}-problem`, role: 'alert', tabindex: '-1', hidden: true });
  const controls = fields.map((field) => new Control(field, id));
  const button = h('button', { type: 'submit', class: dangerous ? 'danger' : 'primary', text: submit });
  const cancel = h('button', { type: 'button', text: 'Cancel', onclick: () => dialog.close() });
  const form = h(
    'form',
    { novalidate: true, autocomplete: 'off' },
    ...(intro.length ? [h('div', { class: 'intro' }, ...intro)] : []),
    summary,
    ...controls.map((control) => control.element),
    h('div', { class: 'dialog-end' }, cancel, button),
  );
  const dialog = h('dialog', { 'aria-labelledby': `${id}-title` }, h('h2', { id: `${id}-title`, text: title }), form);
  const opener = document.activeElement;
  let succeeded = false;
  let busy = false;

  const values = () => Object.fromEntries(controls.map((control) => [control.field.name, control.value]));
  const rearrange = () => controls.forEach((control) => control.show(values()));
  form.addEventListener('input', rearrange);
  form.addEventListener('change', rearrange);
  rearrange();

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy) {
      return;
    }
    summary.hidden = true;
    const given = values();
    const wrong = controls.filter((control) => !control.check(given));
    if (wrong.length > 0) {
      wrong[0].focus();
      return;
    }
    busy = true;
    form.setAttribute('aria-busy', 'true');
    button.setAttribute('aria-disabled', 'true');
    try {
      const told = await onSubmit(given);
      succeeded = true;
      dialog.close();
      if (told) {
        notify.done(told);
      }
    } catch (problem) {
      showProblem(problem, controls, summary);
    } finally {
      busy = false;
      form.removeAttribute('aria-busy');
      button.removeAttribute('aria-disabled');
    }
  });
  dialog.addEventListener('cancel', (event) => busy && event.preventDefault());

  document.body.append(dialog);
  dialog.showModal();
  (controls.find((control) => !control.element.hidden) ?? { focus: () => cancel.focus() }).focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (opener instanceof HTMLElement && opener.isConnected) {
        opener.focus();
      } else {
        document.querySelector('#main h1')?.focus();
      }
      resolve(succeeded);
    });
  });
}

/** Puts a problem where it belongs: at fields, and what is about none of them above. */
function showProblem(problem, controls, summary) {
  const errors = problem.errors ?? [];
  const placed = errors.filter((error) => {
    const root = error.field.split(/[.[]/)[0];
    const control = controls.find((each) => each.field.name === root && !each.element.hidden);
    control?.refuse(root === error.field ? error.message : `${error.field}: ${error.message}`);
    return control !== undefined;
  });
  const first = controls.find((control) => control.isRefused);
  if (placed.length === errors.length && first) {
    first.focus();
    return;
  }
  const text =
    problem.code === 'revision-mismatch'
      ? ['Changed meanwhile', `${problem.detail} Close this, look at it again, and repeat what still makes sense.`]
      : [problem.title ?? 'That did not work', problem.detail ?? problem.message];
  replace(summary, h('strong', { text: text[0] }), text[1] ? h('p', { text: text[1] }) : null);
  summary.hidden = false;
  summary.focus();
}

/** A field with its label, its hint and what is wrong with it. */
class Control {
  #input;
  #error;

  constructor(field, form) {
    this.field = field;
    const id = `${form}-${field.name}`;
    const type = field.type ?? 'text';
    const common = {
      id,
      name: field.name,
      'aria-describedby': `${field.hint ? `${id}-hint ` : ''}${id}-error`,
      required: field.required,
    };
    this.#error = h('p', { class: 'field-error', id: `${id}-error` });
    const label = h('label', { for: id, text: field.label });
    const hint = field.hint ? h('p', { class: 'hint', id: `${id}-hint`, text: field.hint }) : null;
    if (type === 'select') {
      this.#input = h(
        'select',
        common,
        ...field.options.map(([value, text]) => h('option', { value, text, selected: value === field.value })),
      );
    } else if (type === 'textarea') {
      this.#input = h('textarea', { ...common, rows: 3, spellcheck: 'false' });
      this.#input.value = field.value ?? '';
    } else if (type === 'checkbox') {
      this.#input = h('input', { ...common, type });
      this.#input.checked = field.value === true;
    } else {
      this.#input = h('input', {
        ...common,
        type: type === 'number' ? 'text' : type,
        inputmode: type === 'number' ? 'numeric' : null,
        autocapitalize: 'none',
        spellcheck: 'false',
      });
      this.#input.value = field.value ?? '';
    }
    this.element =
      type === 'checkbox'
        ? h('div', { class: 'field check' }, h('div', { class: 'check-line' }, this.#input, label), hint, this.#error)
        : h('div', { class: 'field' }, label, hint, this.#input, this.#error);
    this.#input.addEventListener('input', () => this.refuse(''));
  }

  get value() {
    return this.#input.type === 'checkbox' ? this.#input.checked : this.#input.value;
  }

  get isRefused() {
    return this.#error.textContent !== '';
  }

  show(values) {
    this.element.hidden = this.field.shown ? !this.field.shown(values) : false;
  }

  focus() {
    this.#input.focus();
  }

  /** @returns {boolean} whether its value is fine, as far as this page can tell */
  check(values) {
    if (this.element.hidden) {
      return true;
    }
    const missing = this.field.required && String(this.value).trim() === '' ? 'is needed' : null;
    this.refuse(missing ?? this.field.check?.(this.value, values) ?? '');
    return !this.isRefused;
  }

  /** Says what is wrong with it; nothing if empty. */
  refuse(message) {
    this.#error.textContent = message === '' ? '' : sentence(message, this.field.label);
    if (message === '') {
      this.#input.removeAttribute('aria-invalid');
    } else {
      this.#input.setAttribute('aria-invalid', 'true');
    }
  }
}

/** "must be text" says of itself that it is about a field: the field's label begins the sentence. */
function sentence(text, label) {
  const whole = /^(is|must|may|can) /.test(text) ? `${label} ${text}` : text;
  return whole.charAt(0).toUpperCase() + whole.slice(1) + (/[.!?]$/.test(whole) ? '' : '.');
}
