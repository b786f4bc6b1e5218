// Settings, Auth Keys: the keys with which machines enrol.

import { get, post } from "../api.js";
import { ask, showForm, showKey } from "../dialog.js";
import { h } from "../element.js";
import { checkbox, listed, selectField, textField } from "../field.js";
import { counted, expiry, yesNo } from "../format.js";
import { containing, list } from "../list.js";
import { follow } from "../live.js";
import { confirm } from "../message.js";
import { adminsOnly, settingsFrame } from "./settings_frame.js";

/** @typedef {import("../types.js").AuthKey} AuthKey */

/** @type {[string, string][]} */
const EXPIRIES = [
  ["1h", "1 hour"],
  ["1", "1 day"],
  ["7", "7 days"],
  ["14", "14 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "365 days"],
];

/** @type {import("../types.js").Page} */
export const authKeys = {
  title: "Auth Keys",
  section: "settings",
  async show(context) {
    const { organisation, isAdmin, path, signal } = context;
    const org_id = organisation.org_id;
    const label = path === "settings/api-keys/auth-keys" ? "Create auth key" : "Generate Auth Key";
    const create = () => showCreateForm(org_id, label, keys.restart);
    const content = settingsFrame(context, {
      current: "auth-keys",
      title: "Auth Keys",
      text: "An auth key enrols machines without a browser: set it as ZTNA_AUTH_KEY and run ztna up.",
      action: isAdmin && h("button", { type: "button", class: "primary", onclick: create }, label),
    });
    if (!isAdmin) {
      content.append(adminsOnly(organisation));
      return;
    }
    const revoked = h("input", { type: "checkbox", id: "show-revoked", onchange: () => keys.restart() });
    const keys = list({
      caption: "Auth keys",
      columns: [
        { title: "Name", cell: name },
        { title: "Prefix", cell: (key) => h("code", {}, key.key_prefix) },
        { title: "Used", cell: (key) => key.used_count },
        { title: "Reusable", cell: (key) => yesNo(key.reusable) },
        { title: "Ephemeral", cell: (key) => yesNo(key.ephemeral) },
        { title: "Expires", cell: (key) => expiry(key.expires_at) },
        { title: "Actions", class: "actions", cell: (key) => revokeButton(org_id, key, () => keys.refresh()) },
      ],
      search: "Search by name",
      filters: [h("span", { class: "check" }, revoked, h("label", { for: "show-revoked" }, "Show revoked"))],
      load: ({ search, limit, offset }) =>
        get(
          "api/db/auth_keys",
          {
            org_id,
            revoked: revoked.checked ? undefined : "eq.false",
            name: search ? containing(search) : undefined,
            order: "created_at.desc",
            limit,
            offset,
          },
          signal,
        ),
      empty: () => [
        h("p", {}, "No auth keys yet."),
        h("p", {}, `Use “${label}” to make one, then enrol a machine with it.`),
      ],
      signal,
    });
    content.append(keys.element);
    await follow(org_id, signal, keys.refresh);
  },
};

/** @param {AuthKey} key */
function name(key) {
  const tags = (key.tags ?? []).map((tag) => h("span", { class: "badge" }, `tag:${tag}`));
  return h(
    "span",
    { class: "stacked" },
    h("bdi", { class: "name" }, key.name),
    key.revoked && h("span", { class: "badge bad" }, "Revoked"),
    key.description && key.description !== key.name && h("small", {}, h("bdi", {}, key.description)),
    tags.length > 0 && h("span", { class: "badges" }, ...tags),
  );
}

/**
 * @param {string} orgId
 * @param {AuthKey} key
 * @param {() => void} onRevoked
 */
function revokeButton(orgId, key, onRevoked) {
  if (key.revoked) return null;
  const onclick = () =>
    ask({
      title: "Revoke auth key",
      text: `No machine can enrol with “${key.name}” any more. The machines that it enrolled (${counted(key.used_count, "use")}) keep running.`,
      submit: "Revoke key",
      send: async () => {
        await post("api/key-management", { action: "revoke_auth_key", org_id: orgId, key_id: key.id });
        confirm(`Revoked ${key.name}`);
        onRevoked();
      },
    });
  return h("button", { type: "button", class: "small danger", onclick }, "Revoke");
}

/**
 * @param {string} orgId
 * @param {string} title
 * @param {() => void} onCreated
 */
function showCreateForm(orgId, title, onCreated) {
  showForm({
    title,
    fields: [
      textField("Name", "name", { autocomplete: "off", maxlength: 255 }),
      textField(
        "Description",
        "description",
        { autocomplete: "off", maxlength: 255 },
        "What the key is for. It names the key if there is no name.",
      ),
      checkbox("Reusable", "reusable", {}, "Enrols many machines, not one."),
      checkbox("Ephemeral", "ephemeral", {}, "Machines are removed when they are offline for 30 minutes."),
      selectField("Expiry", "expiry", EXPIRIES, "90"),
      textField(
        "Tags",
        "tags",
        { autocomplete: "off", placeholder: "tag:laptop, tag:eng" },
        "Given to every machine, separated by commas.",
      ),
      h(
        "details",
        {},
        h("summary", {}, "Restrictions"),
        textField(
          "Allowed tags",
          "allowed_tags",
          { autocomplete: "off", placeholder: "server, production" },
          "What a machine may claim; any if empty.",
        ),
        textField(
          "Allowed networks",
          "allowed_cidrs",
          { autocomplete: "off", placeholder: "10.0.0.0/8" },
          "From where a machine may enrol; anywhere if empty.",
        ),
      ),
    ],
    submit: "Create",
    send: async (data) => {
      const answer = await post("api/key-management", { action: "create_auth_key", org_id: orgId, ...requested(data) });
      onCreated();
      showKey({ title: "Auth key created", key: answer.key, note: "Set it as ZTNA_AUTH_KEY where ztna up runs." });
    },
  });
}

/** @param {FormData} data */
function requested(data) {
  const expiry = String(data.get("expiry"));
  const text = (/** @type {string} */ field) => String(data.get(field) ?? "").trim() || undefined;
  const tags = (/** @type {string} */ field) => (listed(data.get(field)).length ? listed(data.get(field)) : undefined);
  return {
    name: text("name"),
    description: text("description"),
    reusable: data.has("reusable"),
    ephemeral: data.has("ephemeral"),
    ...(expiry === "1h" ? { expires_in: 3600 } : { expiry_days: Number(expiry) }),
    tags: tags("tags"),
    allowed_tags: tags("allowed_tags"),
    allowed_cidrs: tags("allowed_cidrs"),
  };
}
