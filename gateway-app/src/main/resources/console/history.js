/** The last minutes of what volumes did, for charts. */

/** Seconds that are kept. */
export const LENGTH = 120;

/** The last values of one quantity; null where nothing is known. */
export class Series {
  #values = [];

  /** @param {?number} value the newest */
  push(value) {
    this.#values.push(value ?? null);
    if (this.#values.length > LENGTH) {
      this.#values.shift();
    }
  }

  /** @returns {(number|null)[]} oldest first, at most {@link LENGTH} */
  get values() {
    return this.#values;
  }
}

/** What is kept of a volume, or of all together. */
export class Trace {
  operations = new Series();
  read = new Series();
  written = new Series();
  bytes = new Series();
  p50 = new Series();
  p99 = new Series();

  /** Seconds since it was last heard of. */
  silent = 0;

  /** A second of which nothing is known. */
  skip() {
    this.silent++;
    for (const series of [this.operations, this.read, this.written, this.bytes, this.p50, this.p99]) {
      series.push(null);
    }
  }

  /**
   * @param {object} rates of all kinds of requests together
   * @param {object[]} [operations] by kind of request
   */
  add(rates, operations = []) {
    this.silent = 0;
    const of = (kind) => operations.find((operation) => operation.name === kind)?.lastSecond?.bytesPerSecond ?? 0;
    this.operations.push(rates.operationsPerSecond);
    this.bytes.push(rates.bytesPerSecond);
    this.read.push(of('read'));
    this.written.push(of('write'));
    this.p50.push(rates.latency?.p50Micros);
    this.p99.push(rates.latency?.p99Micros);
  }
}

/** The traces of the volumes that are followed. */
export class History {
  /** All volumes together. */
  all = new Trace();
  /** Share of the time that each core was busy, on average. */
  busy = new Series();
  #volumes = new Map();

  /** @param {object} sample statistics as the API gives them */
  add(sample) {
    if (!sample.lastSecond) {
      return;
    }
    this.all.add(sample.lastSecond);
    const cores = sample.node.cores.map((core) => core.lastSecond?.busyRatio ?? 0);
    this.busy.push(cores.length === 0 ? null : cores.reduce((sum, ratio) => sum + ratio, 0) / cores.length);
    const seen = new Set();
    for (const volume of sample.volumes) {
      seen.add(volume.name);
      if (volume.lastSecond) {
        this.of(volume.name).add(volume.lastSecond, volume.operations);
      }
    }
    for (const [name, trace] of this.#volumes) {
      if (!seen.has(name)) {
        trace.skip();
        if (trace.silent >= LENGTH) {
          this.#volumes.delete(name);
        }
      }
    }
  }

  /** @param {string} name a volume's @returns {Trace} what is kept of it */
  of(name) {
    let trace = this.#volumes.get(name);
    if (!trace) {
      trace = new Trace();
      this.#volumes.set(name, trace);
    }
    return trace;
  }
}
