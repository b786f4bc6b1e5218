// The sign-in.

import { post } from "../api.js";
import { h } from "../element.js";
import { textField } from "../field.js";
import { bareLayout } from "../layout.js";
import { currentPath, safeNext } from "../location.js";
import { failure } from "../message.js";
import * as session from "../session.js";

/**
 * Shows the sign-in, which then leads to the page that was asked for.
 *
 * @param {{ isExpired: boolean, onSignedIn: (url: string) => void }} options
 */
export function signIn({ isExpired, onSignedIn }) {
  document.title = "Sign in · QuickZTNA";
  const next =
    currentPath() === "login" ? new URLSearchParams(location.search).get("next") : currentPath() + location.search;
  if (session.token()) {
    onSignedIn(safeNext(next));
    return;
  }
  const errors = h("div");
  let isSending = false;
  const onsubmit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    errors.replaceChildren();
    const data = new FormData(form);
    try {
      const answer = await post("api/auth/login", { email: data.get("email"), password: data.get("password") });
      session.begin(answer.access_token);
      onSignedIn(safeNext(next));
    } catch (error) {
      errors.replaceChildren(failure(error));
    } finally {
      isSending = false;
    }
  };
  const form = h(
    "form",
    { class: "card", onsubmit },
    h("h1", {}, "Sign in"),
    isExpired && h("p", { class: "notice", role: "status" }, "Your session has expired. Sign in again to go on."),
    textField("Email", "email", { type: "email", autocomplete: "username", required: true }),
    textField("Password", "password", { type: "password", autocomplete: "current-password", required: true }),
    errors,
    h("button", { type: "submit", class: "primary wide" }, "Sign in"),
  );
  bareLayout(form);
  form.querySelector("input")?.focus();
}
