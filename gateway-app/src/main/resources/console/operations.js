/** Work that takes longer than a request: what runs now, how far it is, and how to end it before its time. */

import * as api from './api.js';
import { h, setText } from './dom.js';
import { bytes, percent } from './format.js';
import * as identity from './identity.js';
import * as notify from './notify.js';

const RUNNING = 'running';

/** The operations that run; nothing where none does. */
export class OperationsPanel {
  #rows = new Map();
  #ended = new Set();
  #list = h('ul', { class: 'operations' });
  element = h('section', { class: 'card section', hidden: true }, h('h2', { text: 'Running operations' }), this.#list);

  /** Reads the list anew. */
  async refresh() {
    const running = await api.list(`/operations?state=${RUNNING}`);
    const ids = new Set(running.map((operation) => operation.id));
    [...this.#rows.keys()].filter((id) => !ids.has(id)).forEach((id) => this.#remove(id));
    running
      .filter((operation) => !this.#ended.has(operation.id)) // which was told while the list was on its way
      .forEach((operation) => this.#row(operation).show(operation));
  }

  /** @param {object} operation one that this page has begun, as the API shows it */
  begun(operation) {
    if (!this.#ended.has(operation.id)) {
      this.#row(operation).show(operation);
    }
  }

  /**
   * Shows how far an operation is, or that it has ended.
   *
   * @param {object} subject what the event is about
   * @returns {boolean} whether all that is to be known is known; else the list has to be read
   */
  change(subject) {
    if (subject.state === RUNNING) {
      const isKnown = this.#rows.has(subject.id);
      this.#row(subject).progress(subject.doneBytes, subject.totalBytes);
      return isKnown;
    }
    this.#ended.add(subject.id);
    this.#tell(subject, this.#rows.get(subject.id)?.title ?? `Making ${subject.volume}`);
    this.#remove(subject.id);
    return true;
  }

  #row({ id, volume }) {
    let row = this.#rows.get(id);
    if (!row) {
      row = new OperationRow(id, `Making ${volume}`);
      this.#rows.set(id, row);
      this.#list.append(row.element);
      this.element.hidden = false;
    }
    return row;
  }

  #remove(id) {
    this.#rows.get(id)?.element.remove();
    this.#rows.delete(id);
    this.element.hidden = this.#rows.size === 0;
  }

  async #tell({ id, state, problem }, title) {
    if (state === 'succeeded') {
      notify.done(`${title} is done.`);
    } else if (state === 'cancelled') {
      notify.done(`${title} was cancelled. Nothing is left of it.`);
    } else {
      const ended = await api.get(`/operations/${id}`).catch(() => null);
      notify.failed({ title: `${title} failed`, message: ended?.problem?.detail ?? problem });
    }
  }
}

class OperationRow {
  #title = h('span', { class: 'operation-title' });
  #bar = h('progress', { max: '1', value: '0' });
  #text = h('span', { class: 'quiet-text' });
  #cancel;
  #done = 0;

  constructor(id, title) {
    this.#cancel = identity.may('operator')
      ? h('button', { type: 'button', class: 'small', text: 'Cancel', onclick: () => cancel(id) })
      : null;
    this.element = h('li', {}, this.#title, this.#bar, this.#text, this.#cancel);
    this.#name(title);
  }

  /** @param {object} operation as the API shows it */
  show(operation) {
    if (operation.source) {
      this.#name(`Copying ${operation.source} to ${operation.volume}`);
    }
    this.progress(operation.progress.doneBytes, operation.progress.totalBytes);
  }

  #name(title) {
    this.title = title;
    setText(this.#title, title);
    this.#bar.setAttribute('aria-label', title);
    this.#cancel?.setAttribute('aria-label', `Cancel: ${title}`);
  }

  /** It never goes back: an answer may be older than the event before it. */
  progress(done, total) {
    this.#done = Math.max(this.#done, done);
    const share = total > 0 ? this.#done / total : 0;
    this.#bar.setAttribute('value', share.toFixed(3));
    setText(this.#text, `${percent(share)} of ${bytes(total)}`);
  }
}

async function cancel(id) {
  try {
    await api.remove(`/operations/${id}`);
  } catch (problem) {
    notify.failed(problem);
  }
}
