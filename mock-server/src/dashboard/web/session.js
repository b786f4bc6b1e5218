// What the browser keeps between visits: the access token, and the organisation shown last.

const TOKEN = "access_token";
const ORGANISATION = "org_id";

/** @returns {string | null} */
export function token() {
  return localStorage.getItem(TOKEN);
}

/** @param {string} accessToken */
export function begin(accessToken) {
  localStorage.setItem(TOKEN, accessToken);
}

/** Forgets everything, so that the next person at this browser finds nothing. */
export function end() {
  localStorage.clear();
  sessionStorage.clear();
}

/** @returns {string | null} */
export function lastOrganisation() {
  return localStorage.getItem(ORGANISATION);
}

/** @param {string} orgId */
export function rememberOrganisation(orgId) {
  localStorage.setItem(ORGANISATION, orgId);
}

/**
 * Calls back when another tab signs out or in as somebody else.
 *
 * @param {() => void} callback
 */
export function onChangeElsewhere(callback) {
  addEventListener("storage", (event) => {
    // A cleared storage has no key.
    if (event.key === TOKEN || event.key === null) callback();
  });
}
