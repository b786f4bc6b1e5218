// Times and counts in words.

import { serverNow } from "./api.js";
import { h } from "./element.js";

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/**
 * Returns the day of a time as YYYY-MM-DD in the reader's time zone.
 *
 * @param {string} time
 * @returns {string}
 */
export function day(time) {
  const date = new Date(time);
  return [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join("-");
}

/**
 * @param {string} time
 * @returns {string}
 */
export function dayAndTime(time) {
  const date = new Date(time);
  return `${day(time)} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(":")}`;
}

/**
 * @param {string} time
 * @returns {string} such as "in 7 days" or "3 minutes ago"
 */
export function fromNow(time) {
  const milliseconds = Date.parse(time) - serverNow();
  for (const [unit, length] of UNITS) {
    // Half an hour short of a day is a day: a key made for 7 days does not expire in 6.
    const count = Math.round(milliseconds / length);
    if (Math.abs(milliseconds) >= length * 0.97) return relative.format(count, unit);
  }
  return milliseconds > 0 ? "in less than a minute" : "just now";
}

/**
 * @param {string} time
 * @returns {boolean}
 */
export function isPast(time) {
  return Date.parse(time) <= serverNow();
}

/**
 * Shows when a key expires: the day, and how far away it is.
 *
 * @param {string} time
 * @returns {HTMLElement}
 */
export function expiry(time) {
  const distance = isPast(time) ? h("span", { class: "badge bad" }, "Expired") : h("small", {}, fromNow(time));
  return h(
    "span",
    { class: "stacked" },
    h("time", { datetime: time, title: dayAndTime(time) }, day(time)),
    " ",
    distance,
  );
}

/**
 * @param {boolean} flag
 * @returns {string}
 */
export function yesNo(flag) {
  return flag ? "Yes" : "No";
}

/**
 * @param {number} count
 * @param {string} noun
 * @returns {string}
 */
export function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** @param {number} number */
function pad(number) {
  return String(number).padStart(2, "0");
}
