/** The gateway's public API: requests, problems, pages. */

import * as identity from './identity.js';

const ROOT = '/api/v1';
const PAGE = 500;
/** More than this is not loaded into a page: the API is the place for it. */
const MAX_ITEMS = 20000;
const PATIENCE_MILLIS = 60000;

/** What the API answered instead (RFC 9457), or that it did not answer. */
export class Problem extends Error {
  /**
   * @param {number} status the HTTP status; 0 if there was no answer
   * @param {{title?: string, detail?: string, code?: string, errors?: {field: string, message: string}[]}} body
   */
  constructor(status, body) {
    super(body.detail ?? body.title ?? `HTTP status ${status}`);
    this.status = status;
    this.title = body.title ?? `The gateway answered ${status}`;
    this.detail = body.detail ?? '';
    this.code = body.code ?? '';
    this.errors = body.errors ?? [];
  }
}

/**
 * Opens a request and gives its response whatever the status; the token goes with it.
 *
 * @param {string} path below the API's root
 * @param {RequestInit} [options] as fetch has them
 * @returns {Promise<Response>} the response
 * @throws {Problem} if there is none
 */
export async function open(path, options = {}) {
  const headers = new Headers(options.headers);
  const token = identity.token();
  if (token) {
    headers.set('Authorization', `Bearer ${token}`);
  }
  try {
    return await fetch(ROOT + path, { ...options, headers, cache: 'no-store', credentials: 'omit' });
  } catch (failure) {
    if (options.signal?.aborted && options.signal.reason?.name !== 'TimeoutError') {
      throw failure;
    }
    throw new Problem(0, {
      title: 'The gateway does not answer',
      detail: 'It may be restarting, or the network is down. Nothing is known about what was asked for.',
    });
  }
}

/**
 * Makes the problem that a response tells of.
 *
 * @param {Response} response of status 400 or above
 * @returns {Promise<Problem>} the problem
 */
export async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  const problem = new Problem(response.status, body ?? {});
  if (response.status === 401) {
    identity.rejected(problem);
  }
  return problem;
}

async function request(method, path, { body, ifMatch, signal } = {}) {
  const headers = { Accept: 'application/json' };
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
  }
  if (ifMatch !== undefined) {
    headers['If-Match'] = ifMatch;
  }
  const response = await open(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: signal ?? AbortSignal.timeout(PATIENCE_MILLIS),
  });
  if (!response.ok) {
    throw await problemOf(response);
  }
  const data = response.status === 204 ? null : await response.json();
  return { data, etag: response.headers.get('ETag') };
}

/** @param {string} path @returns {Promise<*>} what is there */
export async function get(path) {
  return (await request('GET', path)).data;
}

/** @param {string} path @returns {Promise<{data: *, etag: ?string}>} what is there, and its ETag */
export function getWithEtag(path) {
  return request('GET', path);
}

/** @param {string} path @param {*} body @returns {Promise<*>} what was made */
export async function post(path, body) {
  return (await request('POST', path, { body })).data;
}

/** @param {string} path @param {*} body @param {string} ifMatch the ETag that the change was thought for */
export async function patch(path, body, ifMatch) {
  return (await request('PATCH', path, { body, ifMatch })).data;
}

/** @param {string} path @param {string} [ifMatch] the ETag that the removal was thought for */
export async function remove(path, ifMatch) {
  await request('DELETE', path, { ifMatch });
}

/**
 * Gets all items of a list, page by page.
 *
 * @param {string} path the list's
 * @returns {Promise<object[]>} the items
 */
export async function list(path) {
  const items = [];
  const separator = path.includes('?') ? '&' : '?';
  let token = null;
  do {
    const after = token ? `&pageToken=${encodeURIComponent(token)}` : '';
    const page = await get(`${path}${separator}limit=${PAGE}${after}`);
    items.push(...page.items);
    token = page.nextPageToken;
  } while (token && items.length < MAX_ITEMS);
  return items;
}

/** @param {{revision?: number}} volume @returns {string} what If-Match has to be to change exactly this one */
export function etagOf(volume) {
  return volume.revision === undefined ? '*' : `"${volume.revision}"`;
}
