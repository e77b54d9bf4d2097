/** Numbers as people read them. Unknown values are a dash. */

/** What stands for a value that is not known. */
export const UNKNOWN = '–';

const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** Three digits that matter: 1.23, 12.3, 123. */
function three(value) {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toFixed(digits).replace(/\.0+$|(\.\d*[1-9])0+$/, '$1');
}

/** @param {?number} value a whole number */
export function count(value) {
  return value === null || value === undefined ? UNKNOWN : WHOLE.format(value);
}

/** @param {?number} value bytes, shown in the unit that fits */
export function bytes(value) {
  if (value === null || value === undefined) {
    return UNKNOWN;
  }
  let scaled = value;
  let unit = 0;
  while (scaled >= 1024 && unit < IEC.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${three(scaled)} ${IEC[unit]}`;
}

/** @param {?number} value how many a second */
export function rate(value) {
  if (value === null || value === undefined) {
    return UNKNOWN;
  }
  if (value >= 1e6) {
    return `${three(value / 1e6)} M`;
  }
  return value >= 1e4 ? `${three(value / 1e3)} k` : value >= 10 || value === 0 ? WHOLE.format(value) : three(value);
}

/** @param {?number} value bytes a second */
export function byteRate(value) {
  return value === null || value === undefined ? UNKNOWN : `${bytes(value)}/s`;
}

/** @param {?number} value microseconds */
export function micros(value) {
  if (value === null || value === undefined) {
    return UNKNOWN;
  }
  if (value >= 1e6) {
    return `${three(value / 1e6)} s`;
  }
  return value >= 1e3 ? `${three(value / 1e3)} ms` : `${three(value)} µs`;
}

/** @param {?number} value a share, 0 to 1 */
export function percent(value) {
  return value === null || value === undefined ? UNKNOWN : `${Math.round(value * 100)} %`;
}

/** @param {?string} instant as the API writes it */
export function time(instant) {
  return instant ? TIME.format(new Date(instant)) : UNKNOWN;
}

/** @param {?string} instant as the API writes it; how long ago that is */
export function ago(instant) {
  if (!instant) {
    return UNKNOWN;
  }
  const seconds = Math.max(0, Math.round((Date.now() - new Date(instant).getTime()) / 1000));
  if (seconds < 60) {
    return `${seconds} s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min`;
  }
  return seconds < 86400
    ? `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
    : `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

/** @param {number} number how many; @param {string} one the word for one; @param {string} many the word for others */
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}
