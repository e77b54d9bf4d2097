/** The console: signs in, follows the address, keeps what is shown fresh. */

import * as api from './api.js';
import { AttachmentsView } from './attachments.js';
import { ChangeStream } from './changes.js';
import { h, replace, setText } from './dom.js';
import { History } from './history.js';
import * as identity from './identity.js';
import { NodeView } from './node.js';
import * as notify from './notify.js';
import { OperationsPanel } from './operations.js';
import { SessionsView } from './sessions.js';
import { signInPage } from './sign-in.js';
import { StatisticsStream } from './statistics.js';
import * as theme from './theme.js';
import { VolumeView } from './volume.js';
import { VolumesView } from './volumes.js';

/** What no event tells of, such as the space that volumes take up, is read again this often. */
const REFRESH_MILLIS = 10000;
/** Lists are read again at most this often when many things change. */
const SETTLE_MILLIS = 300;
/** Where reading takes long it is done less often still: this many times as long passes between. */
const REST = 3;

const main = document.getElementById('main');
const banner = document.getElementById('banner');
const linkState = document.getElementById('link-state');
const sections = document.getElementById('sections');
const who = document.getElementById('who');
const signOut = document.getElementById('sign-out');

/** What pages have in common. */
class App {
  history = new History();
  operations = new OperationsPanel();
  #view = null;
  #node = null;
  #refreshing = null;
  #again = false;
  #timer = null;
  #took = 0;
  #statistics = new StatisticsStream(
    (sample) => this.#sample(sample),
    (state, about) => this.#state('statistics', state, about),
  );
  #changes = new ChangeStream(
    (event) => this.#change(event),
    () => this.refresh(),
    (state, about) => this.#state('changes', state, about),
  );
  #links = {};

  async start() {
    theme.install(document.getElementById('theme'));
    identity.whenRejected(() => this.#rejected());
    signOut.addEventListener('click', () => this.#signOut());
    window.addEventListener('hashchange', () => this.#route());
    document.querySelector('.skip').addEventListener('click', (event) => {
      event.preventDefault(); // the address names a page
      main.focus();
    });
    setInterval(() => document.hidden || this.refresh(), REFRESH_MILLIS);
    await this.#enter();
  }

  /** Goes to another page. */
  go(hash) {
    if (location.hash === hash) {
      this.#route();
    } else {
      location.hash = hash;
    }
  }

  /** @param {boolean} [anew] whether it is asked for although it is known @returns {Promise<object>} the node */
  async node(anew = false) {
    if (this.#node === null || anew) {
      this.#node = await api.get('/node');
    }
    return this.#node;
  }

  /** @returns {boolean} whether this machine can have block devices, as far as is known */
  canAttach() {
    return this.#node?.blockDevices.available ?? false;
  }

  /** Which statistics the page wants. */
  follow(volumes, limit) {
    this.#statistics.follow(volumes, limit);
  }

  /** Reads again what the page shows, soon. What asks for it meanwhile puts it off no further. */
  refresh() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#refresh();
    }, Math.max(SETTLE_MILLIS, Math.min(REFRESH_MILLIS, REST * this.#took)));
  }

  /** Says that what the page is about is no more. */
  gone(title, detail) {
    this.#view = null;
    replace(
      main,
      h(
        'div',
        { class: 'card empty' },
        h('h1', { tabindex: '-1', text: title }),
        h('p', { text: detail }),
        h('p', {}, h('a', { href: '#/volumes', text: 'All volumes' })),
      ),
    );
    main.querySelector('h1').focus();
  }

  async #enter() {
    try {
      identity.recognise(await api.get('/whoami'));
    } catch (problem) {
      if (problem.status !== 401) {
        this.#unreachable(problem);
      }
      return;
    }
    const me = identity.current();
    sections.hidden = false;
    who.hidden = me.authentication === 'none';
    setText(who, `${me.name} · ${me.role}`);
    signOut.hidden = identity.token() === null;
    this.#changes.follow();
    this.#route();
  }

  #unreachable(problem) {
    replace(
      main,
      h(
        'div',
        { class: 'card empty', role: 'alert' },
        h('h1', { tabindex: '-1', text: problem.title }),
        h('p', { text: problem.detail }),
        h('button', { type: 'button', class: 'primary', text: 'Try again', onclick: () => this.#enter() }),
      ),
    );
  }

  #rejected() {
    const had = identity.token() !== null;
    identity.signOut();
    this.#showSignIn(had ? 'The gateway does not accept this token. It may be wrong, revoked or expired.' : '');
  }

  #signOut() {
    identity.signOut();
    this.#showSignIn('');
  }

  #showSignIn(problem) {
    this.#statistics.stop();
    this.#changes.stop();
    this.#links = {};
    this.#view = null;
    this.#node = null;
    this.history = new History();
    this.operations = new OperationsPanel();
    document.querySelectorAll('dialog').forEach((dialog) => dialog.close());
    sections.hidden = true;
    who.hidden = true;
    signOut.hidden = true;
    linkState.hidden = true;
    banner.hidden = true;
    document.title = 'Sign in · Fused Gateway';
    if (main.querySelector('.sign-in')) {
      return; // its own attempt tells what is wrong
    }
    replace(
      main,
      signInPage(problem, async (token) => {
        identity.signIn(token);
        try {
          identity.recognise(await api.get('/whoami'));
        } catch (refused) {
          identity.signOut();
          return refused.status === 401
            ? 'The gateway does not accept this token. It may be wrong, revoked or expired.'
            : `${refused.title}. ${refused.detail}`;
        }
        await this.#enter();
        return null;
      }),
    );
  }

  #route() {
    if (identity.current() === null) {
      return;
    }
    const path = location.hash.replace(/^#\/?/, '').split('/').map(decode);
    const [section, name] = path;
    const view = this.#viewFor(section, name);
    this.#view = view;
    for (const link of sections.querySelectorAll('a')) {
      if (link.getAttribute('href') === `#/${section || 'volumes'}`) {
        link.setAttribute('aria-current', name ? 'true' : 'page');
      } else {
        link.removeAttribute('aria-current');
      }
    }
    document.title = `${view.title} · Fused Gateway`;
    replace(main, view.element);
    window.scrollTo(0, 0);
    view.element.querySelector('h1')?.focus({ preventScroll: true });
    this.#refresh();
  }

  #viewFor(section, name) {
    switch (section) {
      case 'sessions':
        return new SessionsView(this);
      case 'attachments':
        return new AttachmentsView(this);
      case 'node':
        return new NodeView(this);
      default:
        return name ? new VolumeView(this, name) : new VolumesView(this);
    }
  }

  async #refresh() {
    if (this.#refreshing !== null) {
      this.#again = true;
      return;
    }
    const view = this.#view;
    if (view === null) {
      return;
    }
    this.#refreshing = view;
    const began = performance.now();
    try {
      await view.refresh();
    } catch (problem) {
      this.#refreshFailed(view, problem);
    } finally {
      this.#took = performance.now() - began;
      this.#refreshing = null;
      if (this.#again || view !== this.#view) {
        this.#again = false;
        this.refresh();
      }
    }
  }

  #refreshFailed(view, problem) {
    if (view !== this.#view || problem.status === 401 || problem.status === 0) {
      return; // said elsewhere: at the sign-in, in the banner
    }
    if (problem.status === 404) {
      this.gone(problem.title, problem.detail);
      return;
    }
    notify.failed(problem);
  }

  #sample(sample) {
    this.history.add(sample);
    this.#view?.sample(sample);
  }

  #change(event) {
    // How an operation ends is told on every page: who began it may be anywhere by then.
    const isNews = event.type === 'operation.changed' && !this.operations.change(event.subject);
    if (this.#view?.change(event) || isNews) {
      this.refresh();
    }
  }

  #state(which, state, about) {
    this.#links[which] = { state, ...about };
    const numbers = this.#links.statistics;
    const changes = this.#links.changes;
    const states = [numbers?.state ?? 'connecting', changes?.state ?? 'connecting'];
    const worst = ['waiting', 'connecting', 'paused', 'live'].find((each) => states.includes(each));
    linkState.hidden = false;
    linkState.dataset.state = worst;
    if (numbers?.state === 'waiting') {
      setText(linkState, 'Offline');
      this.#warn(`${numbers.reason}. The numbers are old. Trying again in ${numbers.seconds} s.`);
    } else if (changes?.state === 'waiting') {
      setText(linkState, 'Updates lost');
      this.#warn(
        `Live updates are lost: ${changes.reason}. The page is read again every ${REFRESH_MILLIS / 1000} s meanwhile. Trying again in ${changes.seconds} s.`,
      );
    } else {
      setText(linkState, { connecting: 'Connecting', paused: 'Paused', live: 'Live' }[worst]);
      if (worst === 'connecting') {
        setText(banner, 'Reconnecting…'); // which nobody sees unless the connection was lost
      }
    }
    if (worst === 'live' && !banner.hidden) {
      banner.hidden = true;
      this.refresh();
    }
    if (which === 'statistics' && state === 'waiting') {
      document.body.classList.add('stale');
      this.#view?.stale?.();
    } else if (which === 'statistics' && state === 'live') {
      document.body.classList.remove('stale');
    }
  }

  #warn(text) {
    banner.hidden = false;
    setText(banner, text);
  }
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

new App().start();
