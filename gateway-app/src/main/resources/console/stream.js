/** Statistics as they come: server-sent events read by fetch, which can send a token where EventSource can't. */

import { open, problemOf } from './api.js';

const FIRST_DELAY_MILLIS = 1000;
const LAST_DELAY_MILLIS = 15000;
/** An event comes each second: after this long without one the connection is dead, whatever the system says. */
const SILENCE_MILLIS = 6000;
/** A page that nobody sees stops asking after this long. */
const HIDDEN_MILLIS = 60000;
/** More than a large event has. */
const MAX_EVENT_CHARACTERS = 16 * 1024 * 1024;

/**
 * Splits a stream of text into events.
 *
 * @param {ReadableStream<string>} text the stream
 * @yields {{event: string, data: string}} events; comments are left out
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
        if (found.data !== '') {
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
  const data = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') {
      event = value;
    } else if (field === 'data') {
      data.push(value);
    }
  }
  return { event, data: data.join('\n') };
}

/** Keeps one stream of statistics open, and opens it again when it breaks. */
export class StatisticsStream {
  #query = '';
  #onSample;
  #onState;
  #connection = null;
  #retry = null;
  #failures = 0;
  #wanted = false;
  #hiddenSince = null;

  /**
   * @param {function(object): void} onSample called with each sample
   * @param {function('live'|'connecting'|'waiting'|'paused', {seconds?: number, reason?: string}): void} onState
   */
  constructor(onSample, onState) {
    this.#onSample = onSample;
    this.#onState = onState;
    document.addEventListener('visibilitychange', () => this.#visibility());
    window.addEventListener('online', () => this.#wanted && this.#connection === null && this.#connect());
  }

  /**
   * Opens the stream for some volumes; an open one is replaced.
   *
   * @param {?string[]} volumes names, at most 200; null for the volumes that do most
   * @param {number} limit the most to show
   */
  follow(volumes, limit) {
    const query = new URLSearchParams({ limit: String(limit) });
    [...(volumes ?? [])].sort().forEach((name) => query.append('volume', name));
    const text = query.toString();
    if (this.#wanted && text === this.#query && (this.#connection !== null || this.#retry !== null)) {
      return;
    }
    this.#query = text;
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
      watch = setTimeout(() => connection.abort(new Error('it went silent')), SILENCE_MILLIS);
    };
    try {
      alive();
      const response = await open(`/statistics?${this.#query}`, {
        headers: { Accept: 'text/event-stream' },
        signal: connection.signal,
      });
      if (!response.ok) {
        throw await problemOf(response);
      }
      for await (const { data } of events(response.body.pipeThrough(new TextDecoderStream()))) {
        alive();
        if (connection !== this.#connection) {
          return;
        }
        this.#failures = 0;
        this.#onState('live', {});
        this.#onSample(JSON.parse(data));
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
      }, HIDDEN_MILLIS);
    } else if (this.#connection === null) {
      this.#failures = 0;
      this.#connect();
    }
  }
}
