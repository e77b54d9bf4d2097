/** This node: its kernel, what io_uring granted, its cores, its pool, its limits. */

import { h, replace, setText } from './dom.js';
import { bytes, byteRate, count, percent, rate, UNKNOWN } from './format.js';

/** A page about the node. */
export class NodeView {
  title = 'Node';
  #app;
  #cores = new Map();
  #coreBody = h('tbody');
  #facts = h('dl', { class: 'facts' });
  #pool = h('div');
  #ring = h('div');
  #limits = h('dl', { class: 'facts many' });

  /** @param {object} app what pages have in common */
  constructor(app) {
    this.#app = app;
    this.element = h(
      'div',
      {},
      h('div', { class: 'page-head' }, h('h1', { tabindex: '-1', text: 'Node' })),
      section('Cores', coreTable(this.#coreBody)),
      h('div', { class: 'columns' }, section('System', this.#facts), section('Pool', this.#pool)),
      section('Mechanisms', this.#ring),
      section('Limits', this.#limits),
    );
    app.follow(null, 0);
  }

  /** Reads the node anew. */
  async refresh() {
    const node = await this.#app.node(true);
    showFacts(this.#facts, [
      ['Gateway', node.version],
      ['Java', node.java],
      ['Kernel', `${node.kernel.release} (${node.kernel.machine})`],
      ['Processors', `${node.cores.available}, core loops on ${node.cores.loops.join(', ')}`],
      ['NBD', node.nbd.listening.length === 0 ? 'does not listen' : node.nbd.listening.join(', ')],
      ['NBD sessions', count(node.nbd.sessions)],
      ['Request memory', `${bytes(node.memory.leasedBytes)} of ${bytes(node.memory.slabBytes)} on lease`],
      ['Java heap', `at most ${bytes(node.memory.heapLimitBytes)}`],
    ]);
    this.#showPool(node.pool);
    this.#showRing(node);
    replace(
      this.#limits,
      ...limitsOf(node.limits).map(([name, text]) => h('div', { class: 'fact' }, h('dt', { text: name }), h('dd', { text }))),
    );
  }

  /** @param {object} event what changed @returns {boolean} whether the node is to be read anew */
  change({ type }) {
    return ['volume.created', 'volume.deleted', 'session.opened', 'session.closed'].includes(type);
  }

  /** @param {object} sample the newest statistics */
  sample(sample) {
    for (const core of sample.node.cores) {
      let row = this.#cores.get(core.core);
      if (!row) {
        row = new CoreRow(core.core);
        this.#cores.set(core.core, row);
        this.#coreBody.append(row.element);
      }
      row.show(core);
    }
  }

  #showPool(pool) {
    const used = pool.totalBytes - pool.usableBytes;
    const share = pool.totalBytes > 0 ? used / pool.totalBytes : 0;
    const fill = h('span');
    fill.style.width = `${(share * 100).toFixed(1)}%`;
    const facts = h('dl', { class: 'facts' });
    showFacts(facts, [
      ['Directory', pool.path],
      ['File system', `${bytes(pool.usableBytes)} free of ${bytes(pool.totalBytes)} (${percent(share)} used)`],
      ['Volumes', count(pool.volumes)],
      ['Damaged', count(pool.damaged.length)],
    ]);
    replace(
      this.#pool,
      h('div', { class: share > 0.9 ? 'meter wide full' : 'meter wide', 'aria-hidden': 'true' }, fill),
      facts,
      ...pool.damaged.map((damaged) => h('div', { class: 'notice bad', text: `${damaged.name}: ${damaged.reason}` })),
    );
  }

  #showRing(node) {
    replace(
      this.#ring,
      node.ring.running ? null : h('div', { class: 'notice bad', text: 'A core loop has ended. Restart the gateway, and look at its log.' }),
      h('h3', { text: 'In use' }),
      h('ul', { class: 'chips' }, ...node.ring.granted.map((feature) => h('li', { class: 'chip good', text: feature }))),
      h('h3', { text: 'Not in use' }),
      node.ring.refused.length === 0
        ? h('p', { class: 'quiet-text', text: 'Everything that was asked for is in use.' })
        : h('dl', { class: 'facts' }, ...node.ring.refused.flatMap(({ feature, reason }) => [h('dt', { text: feature }), h('dd', { text: reason })])),
      h('h3', { text: 'Block devices' }),
      h('p', {
        class: 'quiet-text',
        text: node.blockDevices.available ? 'Volumes and exports can be attached on this machine.' : node.blockDevices.reason,
      }),
    );
  }
}

class CoreRow {
  #busy = h('span', { class: 'busy-value', text: UNKNOWN });
  #fill = h('span');
  #cells = Array.from({ length: 5 }, () => h('td', { class: 'number', text: UNKNOWN }));

  constructor(core) {
    this.element = h(
      'tr',
      {},
      h('th', { scope: 'row', text: `Processor ${core}` }),
      h('td', { class: 'busy-cell' }, h('div', { class: 'busy' }, h('span', { class: 'meter wide', 'aria-hidden': 'true' }, this.#fill), this.#busy)),
      ...this.#cells,
    );
  }

  show(core) {
    const rates = core.lastSecond;
    if (rates) {
      setText(this.#busy, percent(rates.busyRatio));
      this.#fill.style.width = `${(rates.busyRatio * 100).toFixed(1)}%`;
    }
    const texts = [
      rate(rates?.requestsPerSecond),
      rates?.requestsPerEnter === undefined ? UNKNOWN : rates.requestsPerEnter.toFixed(2),
      byteRate(rates?.borrowedPerSecond),
      byteRate(rates?.copiedPerSecond),
      `${bytes(core.leasedBytes)} of ${bytes(core.slabBytes)}`,
    ];
    texts.forEach((text, index) => setText(this.#cells[index], text));
  }
}

function coreTable(body) {
  const titles = ['Core', 'Busy', 'Requests a second', 'Requests a system call', 'Without a copy', 'Copied', 'Memory on lease'];
  return h(
    'div',
    { class: 'scroller', tabindex: '0', role: 'group', 'aria-label': 'Cores table, scrolls sideways' },
    h(
      'table',
      { class: 'plain' },
      h('thead', {}, h('tr', {}, ...titles.map((title, index) => h('th', { scope: 'col', class: index > 1 ? 'number' : null, text: title })))),
      body,
    ),
  );
}

function section(title, ...content) {
  return h('section', { class: 'card section' }, h('h2', { text: title }), ...content);
}

function showFacts(list, facts) {
  replace(list, ...facts.flatMap(([name, text]) => [h('dt', { text: name }), h('dd', { text })]));
}

/** Limits that a later gateway may add are shown as they come. */
function limitsOf(limits, prefix = '') {
  return Object.entries(limits).flatMap(([name, value]) => {
    if (value !== null && typeof value === 'object') {
      return limitsOf(value, `${name.toUpperCase()}: `);
    }
    const isBytes = name.endsWith('Bytes');
    const words = name
      .replace(/Bytes$/, '')
      .replace(/([A-Z])/g, ' $1')
      .toLowerCase()
      .replace(/^http\b/, 'HTTP');
    const text = value === -1 ? 'none' : isBytes ? bytes(value) : duration(value);
    return [[prefix === '' ? words.charAt(0).toUpperCase() + words.slice(1) : prefix + words, text]];
  });
}

/** A duration such as PT10S in words; other values as they are. */
function duration(value) {
  const parts = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(String(value));
  if (!parts) {
    return typeof value === 'number' ? count(value) : String(value);
  }
  const text = [
    [parts[1], 'h'],
    [parts[2], 'min'],
    [parts[3], 's'],
  ]
    .filter(([amount]) => amount)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
  return text === '0 s' ? 'none' : text;
}
