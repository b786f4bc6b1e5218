// Keeps a page up to date without reloading it.

import { get } from "./api.js";

/** How long the server may wait for a change, in seconds; what no change tells is read again after it. */
const WAIT = 25;

/** How soon a page is read again at the earliest, in milliseconds. */
const PAUSE = 500;

/** How long to wait after a failure, in milliseconds. */
const RETRY = 3000;

/**
 * Reads a page, and again whenever something of the organisation has changed, until the page is left. Nothing is read
 * while nobody looks.
 *
 * @param {string} orgId
 * @param {AbortSignal} signal
 * @param {() => Promise<void>} refresh
 */
export async function follow(orgId, signal, refresh) {
  /** @type {string | undefined} */
  let since;
  while (!signal.aborted) {
    try {
      // The version comes before the rows, so that no change is missed in between.
      since = (await get("api/changes", { org_id: orgId, since, wait: WAIT }, signal)).version;
      await shown(signal);
      await refresh();
      await pause(PAUSE);
    } catch {
      if (signal.aborted) return;
      since = undefined;
      // The page says itself what is wrong.
      await refresh();
      await pause(RETRY);
    }
  }
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Waits until somebody looks at the page.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function shown(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => resolve(), { once: true, signal });
  });
}
