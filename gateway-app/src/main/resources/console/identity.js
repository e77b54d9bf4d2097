/** Who is signed in. The token is kept for this tab only, and goes when it closes. */

const KEY = 'fused-gateway-token';
const RANKS = { metrics: 0, viewer: 1, operator: 2, admin: 3 };

let who = null;
let onRejected = () => {};

/** @returns {?string} the token of this tab */
export function token() {
  return sessionStorage.getItem(KEY);
}

/** @param {string} value a token to send from now on */
export function signIn(value) {
  sessionStorage.setItem(KEY, value);
}

/** Forgets the token and who it was. */
export function signOut() {
  sessionStorage.removeItem(KEY);
  who = null;
}

/** @param {{name: string, role: string, authentication: string}} found who the gateway says this is */
export function recognise(found) {
  who = found;
}

/** @returns {?{name: string, role: string, authentication: string}} who this is, once that is known */
export function current() {
  return who;
}

/**
 * Whether this one may do what needs a role.
 *
 * @param {'viewer'|'operator'|'admin'} role the least that is needed
 * @returns {boolean} whether it is enough; the gateway checks it again
 */
export function may(role) {
  return who !== null && (RANKS[who.role] ?? 0) >= RANKS[role];
}

/** @param {function(Error): void} listener called when the gateway does not accept the token, or wants one */
export function whenRejected(listener) {
  onRejected = listener;
}

/** @param {Error} problem what the gateway said */
export function rejected(problem) {
  onRejected(problem);
}
