// A list of rows in pages of 100, searched and ordered by the server.

import { serverNow } from "./api.js";
import { fill, h } from "./element.js";
import { failure, isAborted } from "./message.js";

const PAGE_LENGTH = 100;

/** How long typing must pause before the server is asked, in milliseconds. */
const TYPING_PAUSE = 250;

/**
 * @template Row
 * @typedef {{ title: string, cell: (row: Row) => import("./element.js").Child, class?: string }} Column
 */

/**
 * @template {{ id: string }} Row
 * @typedef {{
 *   caption: string,
 *   columns: Column<Row>[],
 *   search?: string,
 *   filters?: HTMLElement[],
 *   load: (query: { search: string, limit: number, offset: number }) => Promise<Row[]>,
 *   isShown?: (row: Row) => boolean,
 *   empty: () => Node[],
 *   signal: AbortSignal,
 * }} ListOptions
 */

/**
 * Shows a list. The result's `refresh` reads the page again, and `restart` the first page.
 *
 * @template {{ id: string }} Row
 * @param {ListOptions<Row>} options
 */
export function list(options) {
  const { caption, columns, filters = [], load, empty, signal } = options;
  let page = 0;
  let search = "";
  /** Only the newest of overlapping requests may show its rows. */
  let newest = 0;
  /** What each row looked like, so that an unchanged one keeps its element, and with it the focus. @type {Map<string, { text: string, element: HTMLElement }>} */
  let shown = new Map();

  const body = h("tbody", { role: "rowgroup" });
  const heads = columns.map((column) =>
    h("th", { scope: "col", role: "columnheader", class: column.class }, column.title),
  );
  const table = h(
    "table",
    { role: "table", "aria-label": caption },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...heads)),
    body,
  );
  const problem = h("div");
  const nothing = h("div", { class: "empty" });
  const previous = h("button", { type: "button", onclick: () => turn(-1) }, "Previous page");
  const next = h("button", { type: "button", onclick: () => turn(1) }, "Next page");
  const position = h("span", { role: "status" });
  const pager = h("nav", { class: "pager", "aria-label": "Pages" }, previous, position, next);
  table.hidden = nothing.hidden = pager.hidden = true;

  const refresh = async () => {
    newest += 1;
    const own = newest;
    try {
      const query = { search, limit: PAGE_LENGTH + 1, offset: page * PAGE_LENGTH };
      const rows = await load(query);
      if (own !== newest || signal.aborted) return;
      problem.replaceChildren();
      show(rows.slice(0, PAGE_LENGTH), rows.length > PAGE_LENGTH);
    } catch (error) {
      if (own !== newest || signal.aborted || isAborted(error)) return;
      problem.replaceChildren(failure(error));
    }
  };
  const restart = () => {
    page = 0;
    return refresh();
  };
  /** @param {number} by */
  const turn = async (by) => {
    page += by;
    await refresh();
    table.scrollIntoView({ block: "start" });
  };

  /**
   * @param {Row[]} rows
   * @param {boolean} hasMore
   */
  const show = (rows, hasMore) => {
    /** @type {typeof shown} */
    const kept = new Map();
    const elements = rows.map((row) => {
      // Times such as "3 minutes ago" go on, also where nothing else changes.
      const text = JSON.stringify(row) + Math.floor(serverNow() / 60_000);
      const before = shown.get(row.id);
      const element = before?.text === text ? before.element : rowElement(row, columns);
      kept.set(row.id, { text, element });
      return element;
    });
    if (!isSame(body.children, elements)) replaceKeepingFocus(body, elements);
    shown = kept;
    const isEmpty = rows.length === 0 && page === 0;
    table.hidden = rows.length === 0;
    nothing.hidden = !isEmpty;
    if (isEmpty) fill(nothing, ...(search ? [h("p", {}, `Nothing matches “${search}”.`)] : empty()));
    pager.hidden = page === 0 && !hasMore;
    previous.disabled = page === 0;
    next.disabled = !hasMore;
    const first = page * PAGE_LENGTH + 1;
    position.textContent = rows.length
      ? `${first.toLocaleString("en")}–${(first + rows.length - 1).toLocaleString("en")}`
      : "No more";
  };

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pause;
  const searchField =
    options.search &&
    h("input", {
      type: "search",
      placeholder: options.search,
      "aria-label": options.search,
      maxlength: 200,
      oninput: (/** @type {Event} */ event) => {
        clearTimeout(pause);
        const { value } = /** @type {HTMLInputElement} */ (event.target);
        pause = setTimeout(() => {
          search = value.trim();
          void restart();
        }, TYPING_PAUSE);
      },
    });
  const toolbar = (searchField || filters.length > 0) && h("div", { class: "toolbar" }, searchField, ...filters);
  const element = h("div", { class: "list" }, toolbar, problem, h("div", { class: "sideways" }, table), nothing, pager);
  return { element, refresh, restart };
}

/**
 * @template Row
 * @param {Row} row
 * @param {Column<Row>[]} columns
 * @returns {HTMLElement}
 */
function rowElement(row, columns) {
  const cells = columns.map((column) =>
    h("td", { role: "cell", class: column.class, "data-label": column.title }, column.cell(row)),
  );
  return h("tr", { role: "row" }, ...cells);
}

/**
 * @param {HTMLCollection} children
 * @param {HTMLElement[]} elements
 */
function isSame(children, elements) {
  return children.length === elements.length && elements.every((element, at) => children[at] === element);
}

/**
 * Replaces the rows; a button that has the focus keeps it, also if its row was built anew.
 *
 * @param {HTMLElement} body
 * @param {HTMLElement[]} elements
 */
function replaceKeepingFocus(body, elements) {
  const focused = document.activeElement;
  const row = focused?.closest("tr");
  const at = row && body.contains(row) ? [...body.children].indexOf(row) : -1;
  const place =
    row && focused ? [...row.querySelectorAll("button")].indexOf(/** @type {HTMLButtonElement} */ (focused)) : -1;
  body.replaceChildren(...elements);
  if (at < 0 || place < 0 || (focused instanceof HTMLElement && focused.isConnected)) {
    if (focused instanceof HTMLElement && focused.isConnected && at >= 0) focused.focus();
    return;
  }
  elements[Math.min(at, elements.length - 1)]?.querySelectorAll("button")[place]?.focus();
}

/**
 * Returns a pattern for `ilike` that finds a text anywhere. The text's own wildcards are escaped.
 *
 * @param {string} text
 * @returns {string}
 */
export function containing(text) {
  return `ilike.*${text.replaceAll(/[\\_%*]/g, (character) => (character === "*" ? "_" : `\\${character}`))}*`;
}
