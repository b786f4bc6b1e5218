// What surrounds every page: name, organisation, navigation, and the way out.

import { fill, h } from "./element.js";
import { pageUrl, ROOT } from "./location.js";
import { confirmationRegion } from "./message.js";

/** @typedef {import("./types.js").Organisation} Organisation */

const MAIN_SECTIONS = [
  { section: "machines", path: "dashboard", text: "Machines", isAdminOnly: false },
  { section: "audit", path: "audit-log", text: "Audit log", isAdminOnly: true },
  { section: "settings", path: "settings", text: "Settings", isAdminOnly: false },
];

/**
 * Returns the page's frame; the content goes into `main`.
 *
 * @param {{
 *   organisations: Organisation[],
 *   organisation: Organisation,
 *   section: string,
 *   onChoose: (orgId: string) => void,
 *   onSignOut: () => void,
 * }} options
 */
export function layout({ organisations, organisation, section, onChoose, onSignOut }) {
  const isAdmin = organisation.role !== "member";
  const links = MAIN_SECTIONS.filter((entry) => isAdmin || !entry.isAdminOnly).map((entry) =>
    navLink(entry.path, entry.text, organisation, section.split("/")[0] === entry.section),
  );
  const main = h("main", { id: "content", tabindex: "-1" });
  const header = h(
    "header",
    {},
    h(
      "div",
      { class: "bar" },
      brand(),
      chooser(organisations, organisation, onChoose),
      h("span", { class: "role" }, organisation.role),
      h("button", { type: "button", class: "quiet", onclick: onSignOut }, "Sign out"),
    ),
    h("nav", { class: "tabs", "aria-label": "Main" }, ...links),
  );
  const skip = h("a", { class: "skip", href: "#content" }, "Skip to content");
  fill(document.body, skip, header, main, confirmationRegion());
  return main;
}

/**
 * Shows a page without navigation, such as the sign-in.
 *
 * @param {...import("./element.js").Child} children
 */
export function bareLayout(...children) {
  fill(
    document.body,
    h("main", { id: "content", class: "bare", tabindex: "-1" }, brand(), ...children),
    confirmationRegion(),
  );
}

/**
 * @param {string} path
 * @param {string} text
 * @param {Organisation} organisation
 * @param {boolean} isCurrent
 * @returns {HTMLElement}
 */
export function navLink(path, text, organisation, isCurrent) {
  const href = pageUrl(path, { org_id: organisation.org_id });
  return h("a", { href, "aria-current": isCurrent ? "page" : null }, text);
}

function brand() {
  const logo = h("img", { src: new URL("assets/logo.svg", ROOT).href, alt: "", width: 24, height: 24 });
  return h("span", { class: "brand" }, logo, "QuickZTNA");
}

/**
 * @param {Organisation[]} organisations
 * @param {Organisation} current
 * @param {(orgId: string) => void} onChoose
 */
function chooser(organisations, current, onChoose) {
  if (organisations.length < 2) return h("span", { class: "organisation" }, current.name);
  const items = organisations.map(({ org_id, name }) =>
    h("option", { value: org_id, selected: org_id === current.org_id }, name),
  );
  const onchange = (/** @type {Event} */ event) => onChoose(/** @type {HTMLSelectElement} */ (event.target).value);
  return h("select", { class: "organisation", "aria-label": "Organisation", onchange }, ...items);
}
