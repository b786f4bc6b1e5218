// What the deviations of the dashboard build on. Each works at the page's edges (its requests, the answers to them, the
// document), not in its code, so that it stays a deviation when the page is written anew.

/** Changes of requests: each gets the URL and the parsed body, and returns the body or a Response to answer with. */
const requestChanges = [];
/** Changes of answers: each gets the URL and the parsed JSON, which it changes in place. */
const answerChanges = [];

const realFetch = window.fetch.bind(window);
window.fetch = async (input, init = {}) => {
  const url = new URL(input instanceof Request ? input.url : input, location.href);
  const options = { ...init };
  let body = options.body && JSON.parse(options.body);
  for (const change of requestChanges) {
    const changed = await change(url, body);
    if (changed instanceof Response) return changed;
    if (changed) body = changed;
  }
  if (body) options.body = JSON.stringify(body);
  const response = await realFetch(url, options);
  if (!answerChanges.length || !response.headers.get("content-type")?.includes("json")) return response;
  const json = await response.json();
  for (const change of answerChanges) change(url, json, body);
  return new Response(JSON.stringify(json), { status: response.status, headers: response.headers });
};

/** Answers in the API's own form. */
const answer = (data) =>
  new Response(JSON.stringify({ success: true, data }), { headers: { "content-type": "application/json" } });

const lists = (table) => (url) => url.pathname.endsWith(`/api/db/${table}`);
const isAuthKeys = lists("auth_keys");
const isApiKeys = lists("api_keys");

/** Changes the rows of a list before the page sees them. */
const changeRows = (isList, change) =>
  answerChanges.push((url, json, body) => {
    if (!body && isList(url) && Array.isArray(json.data)) json.data = change(json.data) ?? json.data;
  });

/** Changes the body of requests with this action. */
const changeAction = (action, change) =>
  requestChanges.push((url, body) => (body?.action === action ? change(body) : undefined));

/** Changes the body of insertions of API keys. */
const changeInsertion = (change) =>
  requestChanges.push((url, body) => (body && isApiKeys(url) ? change(body) : undefined));

/** Looks at the document whenever it has changed. */
const whenChanged = (look) => {
  const observer = new MutationObserver(() => {
    observer.disconnect();
    look();
    watch();
  });
  const watch = () => observer.observe(document, { childList: true, subtree: true, characterData: true });
  watch();
};

const withText = (selector, text) =>
  [...document.querySelectorAll(selector)].filter((element) => element.textContent.trim() === text);

/** Removes a column of the table by its heading. */
const removeColumn = (title) =>
  whenChanged(() => {
    for (const heading of withText("th", title)) {
      const at = heading.cellIndex;
      for (const row of heading.closest("table").rows) row.cells[at]?.remove();
    }
  });

/** Replaces text wherever the page shows it. */
const replaceText = (pattern, replacement) =>
  whenChanged(() => {
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.data;
      const changed = text.replace(pattern, replacement);
      if (changed !== text) walker.currentNode.data = changed;
    }
  });

/** Removes a field of a form with its label. */
const removeField = (name) =>
  whenChanged(() => {
    for (const label of document.querySelectorAll("form label, form legend")) {
      if (label.textContent.trim().startsWith(name)) {
        const field = label.control ?? document.getElementById(label.htmlFor);
        field?.remove();
        label.remove();
      }
    }
  });

const DAY = 86_400_000;
const later = (time, days) => new Date(Date.parse(time) + days * DAY).toISOString();
