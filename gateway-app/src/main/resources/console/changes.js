/** All that others change, as it happens; what was missed while the connection was lost comes after it. */

import { Stream } from './stream.js';

/** The gateway says each 15 s that it is there. */
const SILENCE_MILLIS = 40000;
/** Soon: what is missed is caught up with, and a browser has six connections to a gateway for all its pages together. */
const HIDDEN_MILLIS = 3000;
const GONE = 410;

/** Follows the gateway's events. */
export class ChangeStream {
  /** The place to go on from; null before the first one, and when the gateway has lost it. */
  #last = null;
  #stream;

  /**
   * @param {function(object): void} onChange called with each event
   * @param {function(): void} onGap called when there may have been changes that no event tells of
   * @param {function(string, object): void} onState as {@link Stream} tells it
   */
  constructor(onChange, onGap, onState) {
    this.#stream = new Stream(
      {
        silenceMillis: SILENCE_MILLIS,
        hiddenMillis: HIDDEN_MILLIS,
        request: () => ({ path: '/events', headers: this.#last === null ? {} : { 'Last-Event-ID': this.#last } }),
        received: ({ data, id }) => {
          const isFirst = this.#last === null;
          this.#last = id ?? this.#last;
          if (isFirst) {
            onGap();
          }
          if (data !== '') {
            onChange(JSON.parse(data));
          }
        },
        refused: (failure) => {
          const isGone = failure.status === GONE && this.#last !== null;
          if (isGone) {
            this.#last = null;
          }
          return isGone;
        },
      },
      onState,
    );
  }

  /** Follows from now on. */
  follow() {
    if (!this.#stream.isOpen) {
      this.#stream.open();
    }
  }

  /** Ends it, and forgets the place: another may look next. */
  stop() {
    this.#stream.stop();
    this.#last = null;
  }
}
