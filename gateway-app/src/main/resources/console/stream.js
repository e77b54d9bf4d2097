/** Server-sent events read by fetch, which can send a token where EventSource can't; opened again when they break. */

import { open, problemOf } from './api.js';

const FIRST_DELAY_MILLIS = 1000;
const LAST_DELAY_MILLIS = 15000;
/** More than a large event has. */
const MAX_EVENT_CHARACTERS = 16 * 1024 * 1024;

/**
 * Splits a stream of text into events.
 *
 * @param {ReadableStream<string>} text the stream
 * @yields {{event: string, data: string, id: ?string}} events; of comments only those that have an id
 */
export async function* events(text) {
  const reader = text.getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      rest = (rest + value).replaceAll('\r\n', '\n');
      let end;
      while ((end = rest.indexOf('\n\n')) >= 0) {
        const found = parse(rest.slice(0, end));
        rest = rest.slice(end + 2);
        if (found.data !== '' || found.id !== null) {
          yield found;
        }
      }
      if (rest.length > MAX_EVENT_CHARACTERS) {
        throw new Error('an event is too long');
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(block) {
  let event = 'message';
  let id = null;
  const data = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') {
      event = value;
    } else if (field === 'data') {
      data.push(value);
    } else if (field === 'id') {
      id = value;
    }
  }
  return { event, data: data.join('\n'), id };
}

/**
 * What a stream is of.
 *
 * @typedef {object} StreamSource
 * @property {number} silenceMillis after this long without anything the connection is dead, whatever the system says
 * @property {number} hiddenMillis a page that nobody sees stops asking after this long
 * @property {function(): {path: string, headers?: Object<string, string>}} request what to ask for, each time
 * @property {function({event: string, data: string, id: ?string}): void} received called with all that comes
 * @property {function(Error): boolean} [refused] whether to ask at once for something else
 */

/** Keeps one stream open, and opens it again when it breaks. */
export class Stream {
  #source;
  #onState;
  #connection = null;
  #retry = null;
  #failures = 0;
  #wanted = false;
  #hiddenSince = null;

  /**
   * @param {StreamSource} source what it is of
   * @param {function('live'|'connecting'|'waiting'|'paused', {seconds?: number, reason?: string}): void} onState
   */
  constructor(source, onState) {
    this.#source = source;
    this.#onState = onState;
    document.addEventListener('visibilitychange', () => this.#visibility());
    window.addEventListener('online', () => this.#wanted && this.#connection === null && this.#connect());
  }

  /** @returns {boolean} whether it is open, or about to be tried again */
  get isOpen() {
    return this.#wanted && (this.#connection !== null || this.#retry !== null);
  }

  /** Opens it; an open one is replaced. */
  open() {
    this.#wanted = true;
    this.#failures = 0;
    this.#connect();
  }

  /** Ends it. */
  stop() {
    this.#wanted = false;
    this.#drop();
  }

  #drop() {
    clearTimeout(this.#retry);
    this.#retry = null;
    this.#connection?.abort();
    this.#connection = null;
  }

  async #connect() {
    this.#drop();
    const connection = new AbortController();
    this.#connection = connection;
    if (this.#failures > 0) {
      this.#onState('connecting', {});
    }
    let watch = null;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => connection.abort(new Error('it went silent')), this.#source.silenceMillis);
    };
    try {
      alive();
      const { path, headers } = this.#source.request();
      const response = await open(path, {
        headers: { Accept: 'text/event-stream', ...headers },
        signal: connection.signal,
      });
      if (!response.ok) {
        throw await problemOf(response);
      }
      for await (const event of events(response.body.pipeThrough(new TextDecoderStream()))) {
        alive();
        if (connection !== this.#connection) {
          return;
        }
        this.#failures = 0;
        this.#onState('live', {});
        this.#source.received(event);
      }
      throw new Error('it ended');
    } catch (failure) {
      connection.abort();
      if (connection === this.#connection) {
        this.#connection = null;
        this.#again(failure);
      }
    } finally {
      clearTimeout(watch);
    }
  }

  #again(failure) {
    if (!this.#wanted || failure.status === 401 || failure.status === 403) {
      return;
    }
    if (this.#source.refused?.(failure)) {
      this.#connect();
      return;
    }
    this.#failures++;
    const most = Math.min(LAST_DELAY_MILLIS, FIRST_DELAY_MILLIS * 2 ** (this.#failures - 1));
    const delay = most * (0.75 + Math.random() / 4);
    this.#onState('waiting', { seconds: Math.ceil(delay / 1000), reason: failure.title ?? failure.message });
    this.#retry = setTimeout(() => this.#connect(), delay);
  }

  #visibility() {
    clearTimeout(this.#hiddenSince);
    if (!this.#wanted) {
      return;
    }
    if (document.hidden) {
      this.#hiddenSince = setTimeout(() => {
        this.#drop();
        this.#onState('paused', {});
      }, this.#source.hiddenMillis);
    } else if (this.#connection === null) {
      this.open();
    }
  }
}
