// Machines: what is in the network, and what waits to get in.

import { get } from "../api.js";
import { fill, h } from "../element.js";
import { dayAndTime, fromNow } from "../format.js";
import { navLink } from "../layout.js";
import { containing, list } from "../list.js";
import { follow } from "../live.js";
import { machineActions } from "./machine_actions.js";

/** @typedef {import("../types.js").Machine} Machine */
/** @typedef {import("../types.js").PageContext} PageContext */

/** @type {Record<Machine["status"], string>} */
const STATUSES = { online: "Online", offline: "Offline", pending: "Needs approval", quarantined: "Quarantined" };

/** How many waiting machines are counted before it is simply "many". */
const MAX_COUNTED = 99;

/** @type {import("../types.js").Page} */
export const machines = {
  title: "Machines",
  section: "machines",
  async show({ main, organisation, isAdmin, signal }) {
    const org_id = organisation.org_id;
    const waiting = h("div");
    const status = h(
      "select",
      { "aria-label": "Status", onchange: () => rows.restart() },
      h("option", { value: "" }, "All statuses"),
      ...Object.entries(STATUSES).map(([value, text]) => h("option", { value }, text)),
    );
    const refresh = async () => {
      await Promise.all([rows.refresh(), isAdmin && showWaiting(waiting, org_id, status, rows.restart, signal)]);
    };
    const actions = {
      title: "Actions",
      class: "actions",
      cell: (/** @type {Machine} */ machine) => machineActions(org_id, machine, refresh),
    };
    const rows = list({
      caption: "Machines",
      columns: [
        { title: "Name", cell: name },
        { title: "Status", cell: statusCell },
        { title: "Address", cell: (machine) => h("code", {}, machine.tailnet_ip) },
        { title: "Tags", cell: tags },
        { title: "Last seen", class: "short", cell: (machine) => lastSeen(machine) },
        ...(isAdmin ? [actions] : []),
      ],
      search: "Search by name, address or tag",
      filters: [status],
      load: ({ search, limit, offset }) =>
        get(
          "api/db/machines",
          {
            org_id,
            ...found(search),
            status: status.value ? `eq.${status.value}` : undefined,
            order: "name",
            limit,
            offset,
          },
          signal,
        ),
      empty: () => (status.value ? [h("p", {}, "No machine has this status.")] : firstSteps(organisation, isAdmin)),
      signal,
    });
    main.append(
      h("div", { class: "heading" }, h("h1", {}, "Machines")),
      h("p", { class: "lead" }, "The machines of this network. The list follows what happens, without reloading."),
      waiting,
      rows.element,
    );
    await follow(org_id, signal, refresh);
  },
};

/**
 * Returns the filter for what was typed: an address, a tag, or a part of a name.
 *
 * @param {string} search
 * @returns {Record<string, string>}
 */
function found(search) {
  if (search === "") return {};
  if (/^\d+\.[\d.]*$/.test(search)) return { tailnet_ip: `like.${search}*` };
  const tag = /^tag:([A-Za-z0-9_.-]+)$/.exec(search)?.[1];
  return tag ? { tags: `cs.{${tag}}` } : { name: containing(search) };
}

/** @param {Machine} machine */
function name(machine) {
  const system = [machine.os, machine.version].filter(Boolean).join(" ");
  return h(
    "span",
    { class: "stacked" },
    h("bdi", { class: "name" }, machine.name),
    system && h("small", {}, h("bdi", {}, system)),
    machine.ephemeral && h("span", { class: "badge" }, "Ephemeral"),
  );
}

/** @param {Machine} machine */
function statusCell(machine) {
  return h("span", { class: `status ${machine.status}` }, STATUSES[machine.status] ?? machine.status);
}

/** @param {Machine} machine */
function tags(machine) {
  return h(
    "span",
    { class: "badges" },
    ...(machine.tags ?? []).flatMap((tag) => [h("span", { class: "badge" }, `tag:${tag}`), " "]),
  );
}

/** @param {Machine} machine */
function lastSeen(machine) {
  if (machine.status === "online") return "Connected";
  if (!machine.last_seen) return "Never";
  return h("time", { datetime: machine.last_seen, title: dayAndTime(machine.last_seen) }, fromNow(machine.last_seen));
}

/**
 * Says how many machines wait for approval, because they may be on another page of the list.
 *
 * @param {HTMLElement} place
 * @param {string} orgId
 * @param {HTMLSelectElement} status
 * @param {() => Promise<void>} restart
 * @param {AbortSignal} signal
 */
async function showWaiting(place, orgId, status, restart, signal) {
  try {
    const query = { org_id: orgId, status: "eq.pending", select: "id", limit: MAX_COUNTED + 1 };
    const { length } = /** @type {unknown[]} */ (await get("api/db/machines", query, signal));
    const count =
      length > MAX_COUNTED
        ? `More than ${MAX_COUNTED} machines need`
        : length === 1
          ? "1 machine needs"
          : `${length} machines need`;
    if (place.dataset.count === String(length)) return;
    place.dataset.count = String(length);
    const filter = () => {
      status.value = "pending";
      void restart();
    };
    fill(
      place,
      length > 0 &&
        h(
          "p",
          { class: "notice", role: "status" },
          `${count} approval. `,
          h("button", { type: "button", class: "small", onclick: filter }, "Show"),
        ),
    );
  } catch {
    // The list says what is wrong.
  }
}

/**
 * @param {import("../types.js").Organisation} organisation
 * @param {boolean} isAdmin
 */
function firstSteps(organisation, isAdmin) {
  const command = `curl -fsSL ${new URL("../../install.sh", import.meta.url).href} | sh`;
  return [
    h("p", {}, h("strong", {}, "No machines yet.")),
    h("p", {}, "On a machine, install the agent and run ztna login, then ztna up:"),
    h("code", { class: "key" }, command),
    isAdmin
      ? h(
          "p",
          {},
          "For machines without a browser, ",
          navLink("settings/auth-keys", "make an auth key", organisation, false),
          ".",
        )
      : h("p", {}, "An admin then approves it."),
  ];
}
