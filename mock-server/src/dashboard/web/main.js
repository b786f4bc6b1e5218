// Starts the dashboard and shows the page of the address.

import { organisations as fetchOrganisations, post, whenExpired } from "./api.js";
import { closeDialog } from "./dialog.js";
import { h } from "./element.js";
import { bareLayout, layout } from "./layout.js";
import { currentPath, pageUrl, ROOT } from "./location.js";
import { failure } from "./message.js";
import { apiKeys } from "./pages/api_keys.js";
import { auditLog } from "./pages/audit_log.js";
import { authKeys } from "./pages/auth_keys.js";
import { machines } from "./pages/machines.js";
import { notFound } from "./pages/not_found.js";
import { organisationSettings } from "./pages/organisation.js";
import { signIn } from "./pages/sign_in.js";
import * as session from "./session.js";

/** @typedef {import("./types.js").Organisation} Organisation */
/** @typedef {import("./types.js").Page} Page */

/** @type {Record<string, Page>} */
const PAGES = {
  "": machines,
  dashboard: machines,
  "audit-log": auditLog,
  settings: organisationSettings,
  "settings/auth-keys": authKeys,
  "settings/api-keys/auth-keys": authKeys,
  "api-keys": apiKeys,
};

/** The organisations of the signed-in user. @type {Organisation[] | null} */
let organisations = null;

/** Ends the timers and requests of the page that is left. */
let leaving = new AbortController();

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  closeDialog();
  if (currentPath() === "login" || !session.token()) {
    organisations = null;
    signIn({ isExpired: history.state?.isExpired === true, onSignedIn: go });
    return;
  }
  try {
    organisations ??= await fetchOrganisations();
  } catch (error) {
    const retry = h("button", { type: "button", class: "primary", onclick: show }, "Try again");
    if (!signal.aborted && session.token()) bareLayout(h("h1", {}, "Not available"), failure(error), retry);
    return;
  }
  if (signal.aborted) return;
  const organisation = chosen(organisations);
  if (!organisation) {
    const out = h("button", { type: "button", onclick: signOut }, "Sign out");
    bareLayout(h("h1", {}, "No organisation"), h("p", {}, "Ask an admin of your organisation to add you to it."), out);
    return;
  }
  const page = PAGES[currentPath()] ?? notFound;
  const main = layout({ organisations, organisation, section: page.section, onChoose: choose, onSignOut: signOut });
  document.title = `${page.title} · ${organisation.name} · QuickZTNA`;
  const isAdmin = organisation.role !== "member";
  void page.show({ main, organisation, isAdmin, path: currentPath(), signal });
}

/**
 * Returns the organisation of the address, or else the one shown last, and puts its id into the address.
 *
 * @param {Organisation[]} all
 * @returns {Organisation | undefined}
 */
function chosen(all) {
  const url = new URL(location.href);
  const wanted = [url.searchParams.get("org_id"), session.lastOrganisation()];
  const found = wanted.map((id) => all.find(({ org_id }) => org_id === id)).find(Boolean) ?? all[0];
  if (!found) return undefined;
  session.rememberOrganisation(found.org_id);
  if (url.searchParams.get("org_id") !== found.org_id) {
    url.searchParams.set("org_id", found.org_id);
    history.replaceState(history.state, "", url);
  }
  return found;
}

/** @param {string} url */
function go(url) {
  history.pushState(null, "", url);
  void show().then(focusContent);
}

/** @param {string} orgId */
function choose(orgId) {
  go(pageUrl(currentPath(), { org_id: orgId }));
}

async function signOut() {
  // Without an answer the token expires by itself; this browser forgets it in any case.
  await post("api/auth/logout", {}).catch(() => {});
  session.end();
  history.pushState(null, "", pageUrl("login"));
  void show();
}

function onExpired() {
  if (!session.token()) return;
  session.end();
  const next = currentPath() + location.search;
  history.replaceState({ isExpired: true }, "", pageUrl("login", { next }));
  void show();
}

/** Readers of the screen hear the new page's name, and the keyboard starts from its top. */
function focusContent() {
  document.getElementById("content")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** @param {MouseEvent} event */
function followLink(event) {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const url = new URL(link.href);
  if (
    url.origin !== ROOT.origin ||
    !url.pathname.startsWith(ROOT.pathname) ||
    link.getAttribute("href")?.startsWith("#")
  )
    return;
  event.preventDefault();
  go(url.href);
}

whenExpired(onExpired);
session.onChangeElsewhere(() => location.reload());
document.addEventListener("click", followLink);
addEventListener("popstate", () => void show());
// A page that the browser keeps for its back button must not keep a key.
addEventListener("pagehide", closeDialog);
void show();
