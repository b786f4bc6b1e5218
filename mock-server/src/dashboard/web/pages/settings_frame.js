// The heading and the navigation that the settings' pages share.

import { h } from "../element.js";
import { navLink } from "../layout.js";

/**
 * Returns the frame of a settings page; `action` stands beside its heading.
 *
 * The guides walk to the auth keys in two ways, by Settings, Auth Keys and by Settings, API Keys, Auth Keys. Both exist,
 * and the page at the end of each has the button that its guide names.
 *
 * @param {import("../types.js").PageContext} context
 * @param {{ current: "general" | "auth-keys" | "api-keys", title: string, text: string, action?: HTMLElement | false }} page
 * @returns {HTMLElement}
 */
export function settingsFrame({ main, organisation, path }, { current, title, text, action }) {
  const isBelowApiKeys = path === "api-keys" || path === "settings/api-keys/auth-keys";
  const authKeysPath = isBelowApiKeys ? "settings/api-keys/auth-keys" : "settings/auth-keys";
  const content = h("section", { "aria-labelledby": "page-title" });
  content.append(
    h("div", { class: "heading" }, h("h1", { id: "page-title" }, title), action),
    h("p", { class: "lead" }, text),
  );
  main.append(
    h(
      "div",
      { class: "settings" },
      h(
        "nav",
        { class: "side", "aria-label": "Settings" },
        navLink("settings", "General", organisation, current === "general"),
        navLink(authKeysPath, "Auth Keys", organisation, current === "auth-keys"),
        navLink("api-keys", "API Keys", organisation, current === "api-keys"),
      ),
      content,
    ),
  );
  return content;
}

/**
 * What a member sees in place of keys.
 *
 * @param {import("../types.js").Organisation} organisation
 * @returns {HTMLElement}
 */
export function adminsOnly(organisation) {
  return h(
    "div",
    { class: "empty" },
    h("p", {}, h("strong", {}, "Admin required")),
    h(
      "p",
      {},
      `Your role in ${organisation.name} is ${organisation.role}. Admins and owners see and manage keys; ask one of them for a key.`,
    ),
  );
}
