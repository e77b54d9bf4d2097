/** Statistics as they come, second by second. */

import { Stream } from './stream.js';

/** A sample comes each second. */
const SILENCE_MILLIS = 6000;
const HIDDEN_MILLIS = 60000;

/** Follows what some volumes do. */
export class StatisticsStream {
  #query = '';
  #stream;

  /**
   * @param {function(object): void} onSample called with each sample
   * @param {function(string, object): void} onState as {@link Stream} tells it
   */
  constructor(onSample, onState) {
    this.#stream = new Stream(
      {
        silenceMillis: SILENCE_MILLIS,
        hiddenMillis: HIDDEN_MILLIS,
        request: () => ({ path: `/statistics?${this.#query}` }),
        received: ({ data }) => onSample(JSON.parse(data)),
      },
      onState,
    );
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
    if (text === this.#query && this.#stream.isOpen) {
      return;
    }
    this.#query = text;
    this.#stream.open();
  }

  /** Ends it. */
  stop() {
    this.#stream.stop();
  }
}
