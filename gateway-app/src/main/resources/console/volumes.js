/** All volumes, and what they do. */

import * as api from './api.js';
import { Sparkline } from './chart.js';
import { h, replace, setText } from './dom.js';
import { bytes, byteRate, count, micros, percent, rate, UNKNOWN } from './format.js';
import * as identity from './identity.js';
import { ItemTable } from './table.js';
import { createVolume } from './volume-forms.js';

/** A page that lists volumes with their live numbers. */
export class VolumesView {
  title = 'Volumes';
  #app;
  #table;
  #tiles = new Tiles();

  /** @param {object} app what pages have in common */
  constructor(app) {
    this.#app = app;
    const create = identity.may('operator')
      ? h('button', { type: 'button', class: 'primary', id: 'new-volume', text: 'New volume', onclick: () => this.#create() })
      : null;
    this.#table = new ItemTable({
      caption: 'Volumes with their numbers of the last second',
      noun: 'volume',
      columns: [
        { title: 'Name', sort: 'name' },
        { title: 'Size', number: true, sort: 'size' },
        { title: 'Used', number: true, sort: 'allocatedBytes' },
        { title: 'IOPS', number: true },
        { title: 'Throughput', number: true },
        { title: 'Latency, 99 %', number: true },
        { title: 'Sessions', number: true, sort: 'sessions' },
      ],
      keyOf: (volume) => volume.name,
      textOf: (volume) =>
        [
          volume.name,
          volume.description ?? '',
          volume.state,
          ...Object.entries(volume.labels ?? {}).map(([key, value]) => `${key}=${value}`),
        ].join(' '),
      row: () => new VolumeRow(),
      empty: emptyState(create !== null, () => this.#create()),
      onPage: (shown) => app.follow(
        shown.map((volume) => volume.name),
        Math.max(1, shown.length),
      ),
    });
    this.element = h(
      'div',
      {},
      h('div', { class: 'page-head' }, h('h1', { tabindex: '-1', text: 'Volumes' }), h('div', { class: 'actions' }, create)),
      this.#tiles.element,
      app.operations.element,
      h('div', { class: 'table-head' }, this.#table.filter),
      this.#table.element,
    );
  }

  /** Reads the list anew. */
  async refresh() {
    const [volumes] = await Promise.all([api.list('/volumes'), this.#app.operations.refresh()]);
    this.#table.set(volumes);
  }

  /** @param {object} event what changed @returns {boolean} whether the list is to be read anew */
  change({ type }) {
    return type.startsWith('volume.'); // sessions are counted by the statistics
  }

  /** @param {object} sample the newest statistics */
  sample(sample) {
    this.#tiles.update(sample, this.#app.history);
    for (const volume of sample.volumes) {
      this.#table.row(volume.name)?.sample(volume, this.#app.history.of(volume.name));
    }
  }

  /** Numbers that are no longer known are not shown as if they were. */
  stale() {
    this.#tiles.stale();
  }

  async #create() {
    await createVolume((name) => this.#app.go(`#/volumes/${encodeURIComponent(name)}`));
  }
}

/** What all volumes do together. */
class Tiles {
  #tiles = {
    operations: new Tile('Operations a second'),
    bytes: new Tile('Throughput'),
    latency: new Tile('Latency, 99 %'),
    busy: new Tile('Cores busy'),
    sessions: new Tile('Sessions', false),
  };

  element = h('section', { class: 'tiles', 'aria-label': 'All volumes together' }, ...Object.values(this.#tiles).map((tile) => tile.element));

  update(sample, history) {
    const rates = sample.lastSecond;
    this.#tiles.operations.show(rate(rates?.operationsPerSecond), history.all.operations.values);
    this.#tiles.bytes.show(byteRate(rates?.bytesPerSecond), history.all.bytes.values);
    this.#tiles.latency.show(rates && !rates.latency ? 'idle' : micros(rates?.latency?.p99Micros), history.all.p99.values);
    this.#tiles.busy.show(rates ? percent(history.busy.values.at(-1)) : UNKNOWN, history.busy.values);
    this.#tiles.sessions.show(count(sample.node.sessions));
  }

  stale() {
    Object.values(this.#tiles).forEach((tile) => tile.show(UNKNOWN));
  }
}

class Tile {
  #value = h('span', { class: 'tile-value', text: UNKNOWN });
  #spark;

  constructor(title, hasSpark = true) {
    this.#spark = hasSpark ? new Sparkline() : null;
    this.element = h(
      'div',
      { class: 'tile card' },
      h('span', { class: 'tile-title', text: title }),
      this.#value,
      this.#spark?.element,
    );
  }

  show(text, values) {
    setText(this.#value, text);
    if (values) {
      this.#spark?.draw(values);
    }
  }
}

class VolumeRow {
  #name = h('a', { class: 'row-name' });
  #about = h('div', { class: 'about' });
  #size = h('span');
  #used = h('span');
  #share = h('span', { class: 'meter', 'aria-hidden': 'true' }, h('span'));
  #sessions = h('span');
  #operations = new LiveCell();
  #bytes = new LiveCell();
  #latency = new LiveCell();

  constructor() {
    this.cells = [
      h('div', { class: 'name-cell' }, this.#name, this.#about),
      this.#size,
      h('div', { class: 'used-cell' }, this.#used, this.#share),
      this.#operations.element,
      this.#bytes.element,
      this.#latency.element,
      this.#sessions,
    ];
  }

  update(volume) {
    setText(this.#name, volume.name);
    this.#name.setAttribute('href', `#/volumes/${encodeURIComponent(volume.name)}`);
    replace(
      this.#about,
      ...chipsOf(volume),
      volume.state === 'damaged' || !volume.description
        ? null
        : h('span', { class: 'description', text: volume.description }),
    );
    setText(this.#size, bytes(volume.size));
    setText(this.#used, bytes(volume.allocatedBytes));
    const share = volume.size ? Math.min(1, (volume.allocatedBytes ?? 0) / volume.size) : 0;
    this.#share.firstElementChild.style.width = `${(share * 100).toFixed(1)}%`;
    setText(this.#sessions, count(volume.sessions));
  }

  sample(statistics, trace) {
    const rates = statistics.lastSecond;
    if (!rates) {
      return;
    }
    this.#operations.show(rate(rates.operationsPerSecond), trace.operations.values);
    this.#bytes.show(byteRate(rates.bytesPerSecond), trace.bytes.values);
    this.#latency.show(rates.latency ? micros(rates.latency.p99Micros) : 'idle', trace.p99.values);
    setText(this.#sessions, count(statistics.sessions));
  }
}

class LiveCell {
  #value = h('span', { class: 'live-value', text: UNKNOWN });
  #spark = new Sparkline();

  constructor() {
    this.element = h('div', { class: 'live' }, this.#spark.element, this.#value);
  }

  show(text, values) {
    setText(this.#value, text);
    this.element.classList.toggle('idle', text === '0' || text === '0 B/s' || text === 'idle');
    this.#spark.draw(values);
  }
}

/** @param {object} volume as the API shows it @returns {Node[]} what is special about it */
export function chipsOf(volume) {
  const chips = [];
  if (volume.state === 'damaged' || volume.state === 'failed') {
    chips.push(h('span', { class: 'chip bad', text: volume.state }));
  }
  if (volume.readOnly) {
    chips.push(h('span', { class: 'chip', text: 'read-only' }));
  }
  if (volume.backend === 'memory') {
    chips.push(h('span', { class: 'chip', text: 'memory' }));
  }
  if (volume.directIo) {
    chips.push(h('span', { class: 'chip', text: 'direct I/O' }));
  }
  for (const [key, value] of Object.entries(volume.labels ?? {})) {
    chips.push(h('span', { class: 'chip label', text: value === '' ? key : `${key}=${value}` }));
  }
  return chips;
}

function emptyState(mayCreate, create) {
  return h(
    'div',
    { class: 'card empty' },
    h('h2', { text: 'No volumes yet' }),
    h('p', { text: 'A volume is a disk that clients use by NBD or HTTP, or that is attached to this machine.' }),
    mayCreate ? h('button', { type: 'button', class: 'primary', text: 'Create the first volume', onclick: create }) : null,
  );
}
