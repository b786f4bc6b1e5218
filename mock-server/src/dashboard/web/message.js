// Messages: refusals with their code, and short confirmations.

import { ApiError } from "./api.js";
import { fill, h } from "./element.js";

/** How long a confirmation stays, in milliseconds. */
const CONFIRMATION = 6000;

const confirmations = h("div", { class: "confirmations", role: "status" });

/** The region in which confirmations appear; it must exist before them, or screen readers miss them. */
export function confirmationRegion() {
  return confirmations;
}

/** @param {string} text */
export function confirm(text) {
  const shown = h("p", {}, text);
  fill(confirmations, shown);
  setTimeout(() => shown.remove(), CONFIRMATION);
}

/**
 * Shows why something failed, with the API's code and message.
 *
 * @param {unknown} error
 * @param {string} [advice] the way out, if there is one
 * @returns {HTMLElement}
 */
export function failure(error, advice) {
  const code = error instanceof ApiError ? error.code : "ERROR";
  const message = error instanceof Error ? error.message : String(error);
  return h(
    "div",
    { class: "failure", role: "alert" },
    h("p", {}, h("strong", {}, code), ": ", message),
    advice && h("p", {}, advice),
  );
}

/**
 * @param {unknown} error
 * @returns {boolean} whether the page that asked has been left
 */
export function isAborted(error) {
  return error instanceof DOMException && error.name === "AbortError";
}
