/** One volume: its numbers, its sessions, what it is. */

import * as api from './api.js';
import { attach } from './attachment-forms.js';
import { Chart } from './chart.js';
import { h, replace, setText } from './dom.js';
import { ago, bytes, byteRate, count, micros, rate, time, UNKNOWN } from './format.js';
import * as identity from './identity.js';
import * as notify from './notify.js';
import { chipsOf } from './volumes.js';
import { copyVolume, deleteVolume, editVolume, endSession, growVolume, pathOf, reopenVolume } from './volume-forms.js';

/** A page about one volume. */
export class VolumeView {
  #app;
  #name;
  #volume = null;
  #about = h('div', { class: 'about' });
  #actions = h('div', { class: 'actions' });
  #notice = h('div', { class: 'notice bad', hidden: true });
  #facts = h('dl', { class: 'facts' });
  #connect = h('div', { class: 'commands' });
  #sessions = h('tbody');
  #noSessions = h('p', { class: 'quiet-text', text: 'No NBD session has it open.' });
  #operations = h('tbody');
  #noOperations = h('p', { class: 'quiet-text', text: 'No request came since it was opened.' });
  #rows = new Map();
  #charts = {
    operations: new Chart('Operations a second', [''], rate),
    bytes: new Chart('Throughput', ['read', 'written'], byteRate, 2),
    latency: new Chart('Latency', ['50 %', '99 %'], micros),
  };

  /**
   * @param {object} app what pages have in common
   * @param {string} name the volume's
   */
  constructor(app, name) {
    this.#app = app;
    this.#name = name;
    this.title = name;
    this.element = h(
      'div',
      {},
      h('a', { class: 'back', href: '#/volumes', text: '← Volumes' }),
      h('div', { class: 'page-head' }, h('div', {}, h('h1', { tabindex: '-1', text: name }), this.#about), this.#actions),
      this.#notice,
      h('section', { class: 'charts', 'aria-label': 'The last two minutes' }, ...Object.values(this.#charts).map((chart) => chart.element)),
      section(
        'Requests',
        table(['Kind', 'Each second', 'Throughput', 'Mean', '50 %', '95 %', '99 %', 'In all', 'Bytes', 'Errors'], this.#operations, 1),
        this.#noOperations,
      ),
      section('Sessions', table(['Client', 'Core', 'Since', 'Requests', 'Read', 'Written', 'Errors', ''], this.#sessions, 3), this.#noSessions),
      h('div', { class: 'columns' }, section('About', this.#facts), section('Connect', this.#connect)),
    );
    app.follow([name], 1);
  }

  /** Reads everything anew. */
  async refresh() {
    const [volume, sessions, node] = await Promise.all([
      api.get(pathOf(this.#name)),
      api.list(`/sessions?volume=${encodeURIComponent(this.#name)}`),
      this.#app.node(),
    ]);
    const first = this.#volume === null;
    const before = this.#volume;
    const changed =
      first ||
      volume.revision !== before.revision ||
      volume.sessions !== before.sessions ||
      volume.state !== before.state;
    this.#volume = volume;
    if (changed) {
      replace(this.#about, ...chipsOf(volume), volume.description ? h('span', { class: 'description', text: volume.description }) : null);
    }
    if (first || volume.state !== before.state) {
      this.#showActions(volume);
    }
    if (first) {
      this.#showConnect(node);
    }
    const trouble = troubleOf(volume);
    this.#notice.hidden = trouble === '';
    setText(this.#notice, trouble);
    this.#showFacts(volume);
    this.#showSessions(sessions);
  }

  /** @param {object} event what changed @returns {boolean} whether the volume is to be read anew */
  change({ type, subject }) {
    if (type.startsWith('session.')) {
      return subject.volume === this.#name;
    }
    if (!type.startsWith('volume.')) {
      return false;
    }
    if (subject.previousName === this.#name) {
      notify.done(`Volume ${this.#name} is named ${subject.name} now.`);
      this.#app.go(`#/volumes/${encodeURIComponent(subject.name)}`);
      return false;
    }
    if (subject.name !== this.#name) {
      return false;
    }
    if (type === 'volume.deleted') {
      // with a dialog open it is this page that deletes it, or it is said there that it is no more
      if (!document.querySelector('dialog[open]')) {
        this.#app.gone('Deleted', `The volume ${this.#name} was deleted.`);
      }
      return false;
    }
    return true;
  }

  /** @param {object} sample the newest statistics */
  sample(sample) {
    const statistics = sample.volumes.find((volume) => volume.name === this.#name);
    if (!statistics) {
      return;
    }
    const trace = this.#app.history.of(this.#name);
    this.#charts.operations.draw(trace.operations.values);
    this.#charts.bytes.draw(trace.read.values, trace.written.values);
    this.#charts.latency.draw(trace.p50.values, trace.p99.values);
    this.#showOperations(statistics.operations);
  }

  #showActions(volume) {
    const damaged = volume.state === 'damaged';
    const button = (text, role, run, kind) =>
      identity.may(role) ? h('button', { type: 'button', class: kind, text, onclick: run }) : null;
    replace(
      this.#actions,
      damaged ? null : button('Grow', 'operator', () => this.#after(growVolume(this.#volume))),
      damaged ? null : button('Edit', 'operator', () => this.#after(editVolume(this.#volume))),
      damaged ? null : button('Copy volume', 'operator', () => this.#copy()),
      damaged || !this.#app.canAttach() ? null : button('Attach', 'operator', () => this.#attach()),
      volume.state === 'failed' ? button('Reopen', 'operator', () => this.#after(reopenVolume(this.#volume))) : null,
      button('Delete', 'operator', () => this.#delete(), 'danger-quiet'),
    );
  }

  async #after(form) {
    await form;
    this.#app.refresh();
  }

  async #copy() {
    await copyVolume(this.#volume, (operation) => {
      this.#app.operations.begun(operation);
      this.#app.go('#/volumes');
    });
  }

  async #attach() {
    if (await attach([this.#name], this.#name)) {
      this.#app.go('#/attachments');
    }
  }

  async #delete() {
    if (await deleteVolume(this.#volume)) {
      this.#app.go('#/volumes');
    } else {
      this.#app.refresh();
    }
  }

  #showFacts(volume) {
    const facts = [
      ['Size', volume.size === undefined ? UNKNOWN : `${bytes(volume.size)} (${count(volume.size)} bytes)`],
      ['Used in the pool', bytes(volume.allocatedBytes)],
      ['Kept in', volume.backend === 'memory' ? 'memory' : `a file${volume.directIo ? ', direct I/O' : ''}`],
      ['Access', volume.readOnly ? 'read-only' : 'read and write'],
      ['Revision', count(volume.revision)],
      ['Made', time(volume.createdAt)],
      ['Changed', time(volume.updatedAt)],
      ['Id', volume.id ?? UNKNOWN],
    ];
    replace(this.#facts, ...facts.flatMap(([name, text]) => [h('dt', { text: name }), h('dd', { text })]));
  }

  #showConnect(node) {
    const uris = node.nbd.listening.map((address) =>
      address.startsWith('unix:')
        ? `nbd+unix:///${this.#name}?socket=${address.slice('unix:'.length)}`
        : `nbd://${reachable(address)}/${this.#name}`,
    );
    const commands = uris.length === 0 ? [] : [uris[0], `nbdinfo ${quoted(uris[0])}`, `qemu-img info ${quoted(uris[0])}`];
    commands.push(`curl ${location.origin}/api/v1/volumes/${this.#name}`);
    replace(this.#connect, ...commands.map(command));
  }

  #showSessions(sessions) {
    this.#sessions.parentElement.hidden = sessions.length === 0;
    this.#noSessions.hidden = sessions.length > 0;
    const focused = this.#sessions.contains(document.activeElement) ? document.activeElement.dataset.session : null;
    replace(
      this.#sessions,
      ...sessions.map((session) =>
        h(
          'tr',
          {},
          h('td', { text: session.peer }),
          h('td', { text: session.core }),
          h('td', { text: ago(session.openedAt) }),
          ...[count(session.requests), bytes(session.bytesRead), bytes(session.bytesWritten), count(session.errors)].map((text) =>
            h('td', { class: 'number', text }),
          ),
          h('td', { class: 'row-actions' }, this.#endButton(session)),
        ),
      ),
    );
    if (focused) {
      this.#sessions.querySelector(`[data-session="${CSS.escape(focused)}"]`)?.focus();
    }
  }

  #endButton(session) {
    return identity.may('operator')
      ? h('button', {
          type: 'button',
          class: 'small',
          text: 'End',
          'aria-label': `End session of ${session.peer}`,
          'data-session': session.id,
          onclick: () => this.#after(endSession(session)),
        })
      : null;
  }

  #showOperations(operations) {
    this.#operations.parentElement.hidden = operations.length === 0;
    this.#noOperations.hidden = operations.length > 0;
    for (const operation of operations) {
      let cells = this.#rows.get(operation.name);
      if (!cells) {
        cells = Array.from({ length: 10 }, (_, index) => h(index === 0 ? 'th' : 'td', index === 0 ? { scope: 'row' } : { class: 'number' }));
        this.#rows.set(operation.name, cells);
        this.#operations.append(h('tr', {}, ...cells));
      }
      const rates = operation.lastSecond;
      const latency = rates?.latency;
      const errors = Object.entries(operation.errors);
      const texts = [
        operation.name,
        rate(rates?.operationsPerSecond),
        byteRate(rates?.bytesPerSecond),
        micros(latency?.meanMicros),
        micros(latency?.p50Micros),
        micros(latency?.p95Micros),
        micros(latency?.p99Micros),
        count(operation.count),
        bytes(operation.bytes),
        errors.length === 0 ? '0' : errors.map(([errno, times]) => `${errno} ${count(times)}`).join(', '),
      ];
      texts.forEach((text, index) => setText(cells[index], text));
      cells[9].classList.toggle('bad-text', errors.length > 0);
    }
  }
}

function section(title, ...content) {
  return h('section', { class: 'card section' }, h('h2', { text: title }), ...content);
}

function table(titles, body, firstNumber) {
  return h(
    'div',
    { class: 'scroller', tabindex: '0', role: 'group', 'aria-label': `${titles[0]} table, scrolls sideways` },
    h(
      'table',
      { class: 'plain', hidden: true },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...titles.map((title, index) =>
            title === ''
              ? h('td')
              : h('th', { scope: 'col', class: index >= firstNumber ? 'number' : null, text: title }),
          ),
        ),
      ),
      body,
    ),
  );
}

/** What keeps a volume from being all it should be; empty if nothing does. */
function troubleOf(volume) {
  switch (volume.state) {
    case 'damaged':
      return `It is set aside and served to nobody: ${volume.reason}`;
    case 'failed':
      return `Data that was acknowledged may be missing, and every flush fails until it is reopened: ${volume.reason}`;
    default:
      return '';
  }
}

function command(text) {
  const copy = h('button', {
    type: 'button',
    class: 'small',
    text: 'Copy',
    'aria-label': `Copy ${text}`,
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(text);
        notify.done('Copied.');
      } catch {
        notify.failed({ title: 'Not copied', message: 'The browser does not allow it here; select the text instead.' });
      }
    },
  });
  return h('div', { class: 'command' }, h('code', { text }), copy);
}

/** A wildcard is an address to listen on, not one to connect to: this page's own host is. */
function reachable(address) {
  const wildcard = /^(0\.0\.0\.0|\[(?:::|0(?::0)*)\]):(\d+)$/.exec(address);
  return wildcard ? `${location.hostname}:${wildcard[2]}` : address;
}

function quoted(uri) {
  return uri.includes('?') ? `'${uri}'` : uri;
}
