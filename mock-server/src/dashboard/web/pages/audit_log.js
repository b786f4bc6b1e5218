// The audit log: who changed what.

import { get } from "../api.js";
import { h } from "../element.js";
import { dayAndTime, fromNow } from "../format.js";
import { containing, list } from "../list.js";
import { follow } from "../live.js";
import { adminsOnly } from "./settings_frame.js";

/** @typedef {import("../types.js").AuditEntry} AuditEntry */

/** The actions that the control plane records. @type {[string, string[]][]} */
const ACTIONS = [
  ["Auth keys", ["create_auth_key", "rename_auth_key", "revoke_auth_key"]],
  ["API keys", ["create_api_key", "rename_api_key", "revoke_api_key"]],
  [
    "Machines",
    [
      "register_machine",
      "approve_machine",
      "quarantine_machine",
      "release_machine",
      "delete_machine",
      "set_machine_tags",
      "machine_tags",
      "machine_logout",
      "reap_machine",
      "forget_pending_machine",
    ],
  ],
  ["Guesses", ["login_throttled", "device_code_throttled"]],
];

/** What the machine's own words would not say. @type {Record<string, string>} */
const WORDS = {
  machine_tags: "Machine claimed tags",
  machine_logout: "Machine logged out",
  reap_machine: "Ephemeral machine removed",
  forget_pending_machine: "Waiting machine removed",
  login_throttled: "Logins slowed down",
  device_code_throttled: "Device codes slowed down",
};

/** @type {[string, string][]} */
const PERIODS = [
  ["1", "Last 24 hours"],
  ["7", "Last 7 days"],
  ["30", "Last 30 days"],
  ["", "Any time"],
];
const DAY = 86_400_000;

/** @type {import("../types.js").Page} */
export const auditLog = {
  title: "Audit log",
  section: "audit",
  async show({ main, organisation, isAdmin, signal }) {
    main.append(
      h("div", { class: "heading" }, h("h1", {}, "Audit log")),
      h("p", { class: "lead" }, "Every change of keys and machines, newest first."),
    );
    if (!isAdmin) {
      main.append(adminsOnly(organisation));
      return;
    }
    const restart = () => rows.restart();
    const action = h(
      "select",
      { "aria-label": "Action", onchange: restart },
      h("option", { value: "" }, "All actions"),
      ...ACTIONS.map(([label, actions]) =>
        h("optgroup", { label }, ...actions.map((value) => h("option", { value }, words(value)))),
      ),
    );
    const period = h(
      "select",
      { "aria-label": "Period", onchange: restart },
      ...PERIODS.map(([value, text]) => h("option", { value, selected: value === "" }, text)),
    );
    const rows = list({
      caption: "Audit log",
      columns: [
        { title: "Time", cell: (/** @type {AuditEntry} */ entry) => time(entry.created_at) },
        { title: "Actor", cell: (entry) => h("bdi", {}, entry.actor) },
        { title: "Action", cell: (entry) => words(entry.action) },
        { title: "Target", cell: target },
        { title: "Details", cell: (entry) => details(entry.details) },
      ],
      search: "Search by actor",
      filters: [action, period],
      load: ({ search, limit, offset }) =>
        get(
          "api/db/audit_logs",
          {
            org_id: organisation.org_id,
            actor: search ? containing(search) : undefined,
            action: action.value ? `eq.${action.value}` : undefined,
            created_at: period.value
              ? `gte.${new Date(Date.now() - Number(period.value) * DAY).toISOString()}`
              : undefined,
            order: "created_at.desc,id.desc",
            limit,
            offset,
          },
          signal,
        ),
      empty: () => [h("p", {}, "Nothing happened yet, as far as these filters show.")],
      signal,
    });
    main.append(rows.element);
    await follow(organisation.org_id, signal, rows.refresh);
  },
};

/** @param {string} moment */
function time(moment) {
  return h(
    "span",
    { class: "stacked" },
    h("time", { datetime: moment }, dayAndTime(moment)),
    " ",
    h("small", {}, fromNow(moment)),
  );
}

/**
 * @param {string} action such as create_auth_key
 * @returns {string} such as "Create auth key"
 */
function words(action) {
  if (WORDS[action]) return WORDS[action];
  const text = action.replaceAll("_", " ").replace(/\bapi\b/, "API");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {AuditEntry} entry */
function target(entry) {
  const name =
    entry.details !== null && typeof entry.details === "object" && "name" in entry.details
      ? String(entry.details.name)
      : null;
  return h(
    "span",
    { class: "stacked" },
    name && h("bdi", { class: "name" }, name),
    " ",
    h("small", {}, h("code", {}, entry.target)),
  );
}

/** @param {unknown} value */
function details(value) {
  if (value === null || typeof value !== "object") return "";
  const shown = Object.entries(value).filter(
    ([field, content]) => field !== "name" && content !== null && content !== false,
  );
  return h(
    "span",
    { class: "stacked" },
    ...shown.map(([field, content]) => h("small", {}, `${field.replaceAll("_", " ")}: `, h("bdi", {}, plain(content)))),
  );
}

/**
 * @param {unknown} content
 * @returns {string}
 */
function plain(content) {
  if (Array.isArray(content)) return content.map(plain).join(", ");
  return typeof content === "object" ? JSON.stringify(content) : String(content);
}
