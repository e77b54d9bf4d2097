/** Block devices: what is attached, how it is served, and how to attach more. */

import * as api from './api.js';
import { attach, detach } from './attachment-forms.js';
import { h, setText } from './dom.js';
import { bytes, byteRate, count, percent, rate, UNKNOWN } from './format.js';
import * as identity from './identity.js';
import { ItemTable } from './table.js';
import * as notify from './notify.js';

/** A page that lists attachments. */
export class AttachmentsView {
  title = 'Attachments';
  #app;
  #table;
  #attach = null;
  #obstacle = h('div', { class: 'notice', hidden: true });

  /** @param {object} app what pages have in common */
  constructor(app) {
    this.#app = app;
    const mayChange = identity.may('operator');
    if (mayChange) {
      this.#attach = h('button', {
        type: 'button',
        class: 'primary',
        text: 'Attach',
        hidden: true,
        onclick: () => this.#open(),
      });
    }
    this.#table = new ItemTable({
      caption: 'Block devices of this machine that the gateway serves',
      noun: 'attachment',
      columns: [
        { title: 'Device', sort: 'device' },
        { title: 'What' },
        { title: 'State', sort: 'state' },
        { title: 'Mechanism', sort: 'mechanism' },
        { title: 'Size', number: true, sort: 'size' },
        { title: 'Requests a second', number: true },
        { title: 'Throughput', number: true },
        { title: 'Without a copy', number: true },
        { title: 'Errors', number: true, sort: 'errors' },
        ...(mayChange ? [{ title: 'Action' }] : []),
      ],
      keyOf: (attachment) => attachment.id,
      textOf: (attachment) => [attachment.device, attachment.volume, attachment.source, attachment.state, attachment.mechanism].join(' '),
      row: (attachment) => new AttachmentRow(attachment, mayChange ? () => this.#detach(attachment) : null),
      empty: h(
        'div',
        { class: 'card empty' },
        h('h2', { text: 'Nothing is attached' }),
        h('p', { text: 'A volume, or another server’s NBD export, can be a disk of this machine: /dev/ublkbN.' }),
      ),
    });
    this.element = h(
      'div',
      {},
      h('div', { class: 'page-head' }, h('h1', { tabindex: '-1', text: 'Attachments' }), h('div', { class: 'actions' }, this.#attach)),
      this.#obstacle,
      h('div', { class: 'table-head' }, this.#table.filter),
      this.#table.element,
    );
    app.follow(null, 200);
  }

  /** Reads the list anew. */
  async refresh() {
    const [attachments, node] = await Promise.all([api.list('/attachments'), this.#app.node()]);
    this.#table.set(attachments);
    const possible = node.blockDevices.available;
    this.#obstacle.hidden = possible;
    setText(this.#obstacle, possible ? '' : `This machine can’t have block devices: ${node.blockDevices.reason}`);
    if (this.#attach) {
      this.#attach.hidden = !possible;
    }
  }

  /** @param {object} event what changed @returns {boolean} whether the list is to be read anew */
  change({ type }) {
    return type.startsWith('attachment.');
  }

  /** @param {object} sample the newest statistics */
  sample(sample) {
    for (const attachment of sample.attachments) {
      this.#table.row(attachment.id)?.sample(attachment);
    }
  }

  async #open() {
    try {
      const volumes = await api.list('/volumes');
      const names = volumes.filter((volume) => volume.state !== 'damaged').map((volume) => volume.name);
      await attach(names);
    } catch (problem) {
      notify.failed(problem);
    }
    this.#app.refresh();
  }

  async #detach(attachment) {
    try {
      await detach(attachment);
    } catch (problem) {
      notify.failed(problem);
    }
    this.#app.refresh();
  }
}

class AttachmentRow {
  #state = h('span', { class: 'chip' });
  #notice = h('div', { class: 'features' });
  #mechanism = h('span');
  #why = h('div', { class: 'features' });
  #size = h('span');
  #rate = h('span', { text: UNKNOWN });
  #bytes = h('span', { text: UNKNOWN });
  #borrowed = h('span');
  #errors = h('span');

  constructor(attachment, end) {
    const what = attachment.volume
      ? h('a', { href: `#/volumes/${encodeURIComponent(attachment.volume)}`, text: attachment.volume })
      : h('span', { text: attachment.source ?? 'not known' });
    this.cells = [
      h('code', { text: attachment.device }),
      what,
      h('div', {}, this.#state, this.#notice),
      h('div', {}, this.#mechanism, this.#why),
      this.#size,
      this.#rate,
      this.#bytes,
      this.#borrowed,
      this.#errors,
      ...(end
        ? [h('button', { type: 'button', class: 'small', text: 'Detach', 'aria-label': `Detach ${attachment.device}`, onclick: end })]
        : []),
    ];
  }

  update(attachment) {
    setText(this.#state, attachment.state + (attachment.readOnly ? ', read-only' : ''));
    this.#state.className = `chip ${attachment.state === 'live' ? 'good' : 'bad'}`;
    setText(this.#notice, attachment.notice ?? '');
    setText(this.#mechanism, attachment.mechanism ?? UNKNOWN);
    setText(this.#why, attachment.why ?? '');
    setText(this.#size, bytes(attachment.size));
    const moved = (attachment.bytesBorrowed ?? 0) + (attachment.bytesCopied ?? 0);
    setText(this.#borrowed, moved === 0 ? UNKNOWN : percent(attachment.bytesBorrowed / moved));
    setText(this.#errors, count(attachment.errors));
  }

  sample(statistics) {
    const rates = statistics.lastSecond;
    if (rates) {
      setText(this.#rate, rate(rates.requestsPerSecond));
      setText(this.#bytes, byteRate(rates.borrowedPerSecond + rates.copiedPerSecond));
    }
  }
}
