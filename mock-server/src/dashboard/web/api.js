// Calls the public API, and nothing else.

import { ROOT } from "./location.js";
import * as session from "./session.js";

/** @typedef {import("./types.js").Organisation} Organisation */

/** How far the server's clock is ahead of this browser's, in milliseconds. */
let clockOffset = 0;

/** Called when the API no longer accepts the token. @type {() => void} */
let onExpired = () => {};

/** A refusal of the API, or a failure to reach it. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 if there was no response
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

/** @param {() => void} callback */
export function whenExpired(callback) {
  onExpired = callback;
}

/**
 * The server's time, to the second, in milliseconds since 1970.
 *
 * @returns {number}
 */
export function serverNow() {
  return Date.now() + clockOffset;
}

/**
 * Reads rows or other data.
 *
 * @param {string} path
 * @param {Record<string, string | number | undefined>} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export function get(path, query, signal) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return send("GET", url, undefined, signal);
}

/**
 * @param {string} path
 * @param {Record<string, unknown>} body
 * @returns {Promise<any>}
 */
export function post(path, body) {
  return send("POST", new URL(path, ROOT), body);
}

/** @returns {Promise<Organisation[]>} */
export function organisations() {
  return get("api/user-orgs", {});
}

/**
 * @param {string} method
 * @param {URL} url
 * @param {Record<string, unknown>} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function send(method, url, body, signal) {
  const token = session.token();
  /** @type {Record<string, string>} */
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const options = {
    method,
    headers,
    body: body && JSON.stringify(body),
    signal,
    cache: /** @type {const} */ ("no-store"),
  };
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "UNREACHABLE", "The control plane does not answer. Check that it runs, then try again.");
  }
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(date)) clockOffset = date - Date.now();
  const answer = await response.json().catch(() => null);
  if (response.ok && answer?.success) return answer.data;
  const code = answer?.error?.code ?? `HTTP_${response.status}`;
  const message = answer?.error?.message ?? "The control plane sent an answer that the dashboard cannot read.";
  // Without a token nothing can expire: a wrong password is refused with 401 as well.
  if (response.status === 401 && token) onExpired();
  throw new ApiError(response.status, code, message);
}
