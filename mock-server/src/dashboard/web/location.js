// Paths of pages and of the API, relative to wherever the dashboard is served.

/** The URL below which the pages and the API are; a reverse proxy may have given it a path. */
export const ROOT = new URL("..", import.meta.url);

/**
 * Returns the path of the current page relative to the root, such as `settings/auth-keys`.
 *
 * @returns {string}
 */
export function currentPath() {
  return location.pathname.slice(ROOT.pathname.length).replace(/\/+$/, "");
}

/**
 * Returns the URL of a page.
 *
 * @param {string} path
 * @param {Record<string, string>} [query]
 * @returns {string}
 */
export function pageUrl(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.pathname + url.search;
}

/**
 * Returns the page to show after signing in: the one asked for, unless it is not one of this dashboard's.
 *
 * @param {string | null} next
 * @returns {string}
 */
export function safeNext(next) {
  const fallback = pageUrl("dashboard");
  if (!next) return fallback;
  try {
    const url = new URL(next, ROOT);
    const isOwn = url.origin === ROOT.origin && url.pathname.startsWith(ROOT.pathname);
    return isOwn ? url.pathname + url.search : fallback;
  } catch {
    return fallback;
  }
}
