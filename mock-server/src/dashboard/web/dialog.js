// Modal dialogs: forms, confirmations, and keys that are shown once.

import { h } from "./element.js";
import { failure } from "./message.js";

/** The dialog that is open, if any. @type {HTMLDialogElement | null} */
let open = null;

/** How soon a second press is the end of a double click, in milliseconds, and how near, in pixels. */
const DOUBLE_CLICK = { milliseconds: 500, pixels: 8 };

/** The last press of the pointer, in any dialog or page. */
let press = { x: 0, y: 0, time: Number.NEGATIVE_INFINITY };

addEventListener(
  "pointerdown",
  ({ clientX, clientY, timeStamp }) => {
    press = { x: clientX, y: clientY, time: timeStamp };
  },
  { capture: true },
);

/** Closes the open dialog and forgets what it showed: a page that is left must not come back with a key on it. */
export function closeDialog() {
  open?.close();
}

/**
 * Shows a dialog until it is closed.
 *
 * @param {string} title
 * @param {(import("./element.js").Child)[]} children
 * @param {{ canEscape?: boolean }} [options]
 * @returns {HTMLDialogElement}
 */
function show(title, children, { canEscape = true } = {}) {
  closeDialog();
  const heading = h("h2", { id: "dialog-title" }, title);
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, heading, ...children);
  const opener = document.activeElement;
  ignoreEndOfDoubleClick(dialog);
  dialog.addEventListener("cancel", (event) => {
    if (!canEscape) event.preventDefault();
  });
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    dialog.remove();
    if (open === dialog) open = null;
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
  });
  document.body.append(dialog);
  open = dialog;
  dialog.showModal();
  return dialog;
}

/**
 * Without this, the second half of a double click on "Create" could press "Done" in the dialog that follows.
 *
 * @param {HTMLDialogElement} dialog
 */
function ignoreEndOfDoubleClick(dialog) {
  const opening = press;
  const listener = (/** @type {MouseEvent} */ event) => {
    const isSoon = event.timeStamp - opening.time < DOUBLE_CLICK.milliseconds;
    const isNear = Math.hypot(event.clientX - opening.x, event.clientY - opening.y) < DOUBLE_CLICK.pixels;
    if (isSoon && isNear) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  dialog.addEventListener("click", listener, { capture: true });
}

/**
 * Shows a form. It is sent once, however often its button is pressed, and stays open with the refusal if it fails.
 *
 * @param {{
 *   title: string,
 *   fields: import("./element.js").Child[],
 *   submit: string,
 *   isDanger?: boolean,
 *   send: (data: FormData) => Promise<void>,
 * }} form
 */
export function showForm({ title, fields, submit, isDanger = false, send }) {
  const errors = h("div");
  const cancel = h("button", { type: "button", onclick: closeDialog }, "Cancel");
  const button = h("button", { type: "submit", class: isDanger ? "danger" : "primary" }, submit);
  let isSending = false;
  const form = h("form", { novalidate: true }, ...fields, errors, h("div", { class: "buttons" }, cancel, button));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    button.setAttribute("aria-disabled", "true");
    errors.replaceChildren();
    try {
      await send(new FormData(form));
      if (dialog === open) dialog.close();
    } catch (error) {
      errors.replaceChildren(failure(error));
    } finally {
      isSending = false;
      button.removeAttribute("aria-disabled");
    }
  });
  const dialog = show(title, [form]);
}

/**
 * Asks before something is done.
 *
 * @param {{ title: string, text: string, submit: string, isDanger?: boolean, send: () => Promise<void> }} question
 */
export function ask({ title, text, submit, isDanger = true, send }) {
  showForm({ title, fields: [h("p", {}, text)], submit, isDanger, send });
}

/**
 * Shows a new key, for the only time. Escape does not close the dialog, because the key would be lost.
 *
 * @param {{ title: string, key: string, note: string }} shown
 */
export function showKey({ title, key, note }) {
  const status = h("span", { role: "status" });
  const code = h("code", { class: "key" }, key);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(key);
      status.textContent = "Copied";
    } catch {
      // Browsers allow it on secure pages only.
      getSelection()?.selectAllChildren(code);
      status.textContent = "Selected: copy it with Ctrl+C";
    }
  };
  show(
    title,
    [
      h("p", {}, h("strong", {}, "Copy this key now. It will not be shown again."), " ", note),
      code,
      h(
        "div",
        { class: "buttons" },
        status,
        h("button", { type: "button", onclick: copy }, "Copy"),
        h("button", { type: "button", class: "primary", onclick: closeDialog }, "Done"),
      ),
    ],
    { canEscape: false },
  );
}
