// Form fields with their labels.

import { h } from "./element.js";

let lastId = 0;

/**
 * A text field.
 *
 * @param {string} label
 * @param {string} name
 * @param {Record<string, unknown>} [attributes]
 * @param {string} [hint]
 * @returns {HTMLElement}
 */
export function textField(label, name, attributes = {}, hint = "") {
  const id = newId();
  const input = h("input", { id, name, type: "text", "aria-describedby": hint ? `${id}-hint` : null, ...attributes });
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    input,
    hint && h("small", { id: `${id}-hint` }, hint),
  );
}

/**
 * A choice of one among few.
 *
 * @param {string} label
 * @param {string} name
 * @param {[value: string, text: string][]} options
 * @param {string} selected
 * @returns {HTMLElement}
 */
export function selectField(label, name, options, selected) {
  const id = newId();
  const items = options.map(([value, text]) => h("option", { value, selected: value === selected }, text));
  return h("div", { class: "field" }, h("label", { for: id }, label), h("select", { id, name }, ...items));
}

/**
 * @param {string} label
 * @param {string} name
 * @param {Record<string, unknown>} [attributes]
 * @param {string} [hint]
 * @returns {HTMLElement}
 */
export function checkbox(label, name, attributes = {}, hint = "") {
  const id = newId();
  const described = hint ? `${id}-hint` : null;
  const input = h("input", { id, name, type: "checkbox", "aria-describedby": described, ...attributes });
  const text = h("span", {}, h("label", { for: id }, label), hint && h("small", { id: `${id}-hint` }, hint));
  return h("div", { class: "check" }, input, text);
}

/**
 * The elements of a comma-separated list.
 *
 * @param {FormDataEntryValue | null} value
 * @returns {string[]}
 */
export function listed(value) {
  return String(value ?? "")
    .split(/[,\s]+/)
    .filter((element) => element !== "");
}

function newId() {
  lastId += 1;
  return `field-${lastId}`;
}
