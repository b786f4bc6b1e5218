// Tells a page that its data may have changed.

/** How often data are read again, in milliseconds. */
const INTERVAL = 3000;

/**
 * Calls back again and again until the page is left, and not while nobody looks.
 *
 * @param {AbortSignal} signal
 * @param {() => Promise<void>} callback
 */
export async function watch(signal, callback) {
  while (!signal.aborted) {
    await pause(INTERVAL);
    if (!signal.aborted && !document.hidden) await callback();
  }
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
