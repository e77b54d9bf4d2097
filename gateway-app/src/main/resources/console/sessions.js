/** NBD sessions: who is connected, with what, and how to end it. */

import * as api from './api.js';
import { h, setText } from './dom.js';
import { ago, bytes, count, time } from './format.js';
import * as identity from './identity.js';
import { ItemTable } from './table.js';
import { endSession } from './volume-forms.js';

/** A page that lists sessions. */
export class SessionsView {
  title = 'Sessions';
  #app;
  #table;

  /** @param {object} app what pages have in common */
  constructor(app) {
    this.#app = app;
    const mayEnd = identity.may('operator');
    this.#table = new ItemTable({
      caption: 'NBD sessions in transmission',
      noun: 'session',
      columns: [
        { title: 'Session', sort: 'id' },
        { title: 'Volume', sort: 'volume' },
        { title: 'Client', sort: 'peer' },
        { title: 'Core', number: true, sort: 'core' },
        { title: 'Open for', number: true, sort: 'openedAt' },
        { title: 'In flight', number: true, sort: 'inFlight' },
        { title: 'Requests', number: true, sort: 'requests' },
        { title: 'Read', number: true, sort: 'bytesRead' },
        { title: 'Written', number: true, sort: 'bytesWritten' },
        { title: 'Errors', number: true, sort: 'errors' },
        ...(mayEnd ? [{ title: 'Action' }] : []),
      ],
      keyOf: (session) => String(session.id),
      textOf: (session) => `${session.id} ${session.volume} ${session.peer} ${session.features.join(' ')}`,
      row: (session) => new SessionRow(session, mayEnd ? () => this.#end(session) : null),
      empty: h(
        'div',
        { class: 'card empty' },
        h('h2', { text: 'No sessions' }),
        h('p', { text: 'No NBD client is connected. Each volume’s page has commands to connect with.' }),
      ),
    });
    this.element = h(
      'div',
      {},
      h('div', { class: 'page-head' }, h('h1', { tabindex: '-1', text: 'Sessions' })),
      h('div', { class: 'table-head' }, this.#table.filter),
      this.#table.element,
    );
    app.follow(null, 0);
  }

  /** Reads the list anew. */
  async refresh() {
    this.#table.set(await api.list('/sessions'));
  }

  /** @param {object} event what changed @returns {boolean} whether the list is to be read anew */
  change({ type }) {
    return type.startsWith('session.');
  }

  /** Nothing here is of the statistics. */
  sample() {}

  async #end(session) {
    await endSession(session);
    this.#app.refresh();
  }
}

class SessionRow {
  #numbers = Array.from({ length: 5 }, () => h('span'));

  constructor(session, end) {
    this.cells = [
      h('span', { text: session.id }),
      h('a', { href: `#/volumes/${encodeURIComponent(session.volume)}`, text: session.volume }),
      h('div', {}, h('span', { text: session.peer }), h('div', { class: 'features', text: session.features.join(', ') })),
      h('span', { text: session.core }),
      h('time', { datetime: session.openedAt, title: time(session.openedAt) }),
      ...this.#numbers,
      ...(end
        ? [h('button', { type: 'button', class: 'small', text: 'End', 'aria-label': `End session ${session.id}`, onclick: end })]
        : []),
    ];
  }

  update(session) {
    setText(this.cells[4], ago(session.openedAt));
    const texts = [
      count(session.inFlight),
      count(session.requests),
      bytes(session.bytesRead),
      bytes(session.bytesWritten),
      count(session.errors),
    ];
    texts.forEach((text, index) => setText(this.#numbers[index], text));
  }
}
