// API Keys: the keys with which programs call the API.

import { get, post, serverNow } from "../api.js";
import { ask, showForm, showKey } from "../dialog.js";
import { h } from "../element.js";
import { checkbox, selectField, textField } from "../field.js";
import { counted, expiry } from "../format.js";
import { canMakeKeys, makeKey } from "../key_material.js";
import { containing, list } from "../list.js";
import { follow } from "../live.js";
import { confirm } from "../message.js";
import { adminsOnly, settingsFrame } from "./settings_frame.js";

/** @typedef {import("../types.js").ApiKey} ApiKey */

const RESOURCES = ["machines", "dns", "acl", "billing", "audit"];
const SCOPES = RESOURCES.flatMap((resource) => [`${resource}:read`, `${resource}:write`]);
const RATE_LIMITS = [30, 60, 120, 300, 1000];
/** Nobody may have a key for longer than 90 days. */
const EXPIRIES = [1, 7, 14, 30, 60, 90];
const DAY = 86_400_000;

/** @type {import("../types.js").Page} */
export const apiKeys = {
  title: "API Keys",
  section: "settings",
  async show(context) {
    const { organisation, isAdmin, signal } = context;
    const org_id = organisation.org_id;
    const create = () => showCreateForm(org_id, keys.restart);
    const content = settingsFrame(context, {
      current: "api-keys",
      title: "API Keys",
      text: "An API key lets a program call the API, within the key's scopes and its rate limit.",
      action: isAdmin && h("button", { type: "button", class: "primary", onclick: create }, "Create API Key"),
    });
    if (!isAdmin) {
      content.append(adminsOnly(organisation));
      return;
    }
    const keys = list({
      caption: "API keys",
      columns: [
        { title: "Name", cell: (/** @type {ApiKey} */ key) => h("bdi", { class: "name" }, key.name) },
        { title: "Prefix", cell: (key) => h("code", {}, key.key_prefix) },
        { title: "Scopes", cell: scopes },
        { title: "Rate Limit", class: "short", cell: (key) => `${key.rate_limit_rpm}/min` },
        { title: "Usage", class: "short", cell: (key) => counted(key.usage_count, "call") },
        { title: "Expires", cell: (key) => expiry(key.expires_at) },
        { title: "Actions", class: "actions", cell: (key) => revokeButton(org_id, key, () => keys.refresh()) },
      ],
      search: "Search by name",
      load: ({ search, limit, offset }) =>
        get(
          "api/db/api_keys",
          {
            org_id,
            revoked: "eq.false",
            name: search ? containing(search) : undefined,
            order: "created_at.desc",
            limit,
            offset,
          },
          signal,
        ),
      empty: () => [
        h("p", {}, "No API keys yet."),
        h("p", {}, "Use “Create API Key” to make one for a program or a pipeline."),
      ],
      signal,
    });
    content.append(keys.element);
    await follow(org_id, signal, keys.refresh);
  },
};

/** @param {ApiKey} key */
function scopes(key) {
  const names = key.scopes?.length ? key.scopes : ["Full Access"];
  return h("span", { class: "badges" }, ...names.flatMap((name) => [h("span", { class: "badge" }, name), " "]));
}

/**
 * @param {string} orgId
 * @param {ApiKey} key
 * @param {() => void} onRevoked
 */
function revokeButton(orgId, key, onRevoked) {
  const onclick = () =>
    ask({
      title: "Revoke API key",
      text: `Programs that use “${key.name}” are refused from now on, and the auth keys that it issued are revoked with it.`,
      submit: "Revoke key",
      send: async () => {
        await post("api/key-management", { action: "revoke_api_key", org_id: orgId, key_id: key.id });
        confirm(`Revoked ${key.name}`);
        onRevoked();
      },
    });
  return h("button", { type: "button", class: "small danger", onclick }, "Revoke");
}

/**
 * @param {string} orgId
 * @param {() => void} onCreated
 */
function showCreateForm(orgId, onCreated) {
  if (!canMakeKeys()) {
    showForm({
      title: "Create API Key",
      fields: [
        h("p", {}, "This page makes keys in the browser, and browsers allow that only over HTTPS or on localhost."),
        h(
          "p",
          {},
          "Open the dashboard by https://, or create the key through the API: action create_api_key of /api/key-management.",
        ),
      ],
      submit: "Close",
      send: async () => {},
    });
    return;
  }
  showForm({
    title: "Create API Key",
    fields: [
      textField("Name", "name", { autocomplete: "off", maxlength: 255 }),
      h(
        "fieldset",
        {},
        h("legend", {}, "Scopes"),
        h("p", {}, h("small", {}, "Without any, the key may do all that you may: Full Access.")),
        h("div", { class: "grid" }, ...SCOPES.map((scope) => checkbox(scope, "scopes", { value: scope }))),
      ),
      selectField(
        "Rate limit",
        "rate_limit",
        RATE_LIMITS.map((limit) => [String(limit), `${limit}/min`]),
        "60",
      ),
      selectField(
        "Expiry",
        "expiry",
        EXPIRIES.map((days) => [String(days), counted(days, "day")]),
        "30",
      ),
    ],
    submit: "Generate Key",
    send: async (data) => {
      const { key, prefix, hash } = await makeKey();
      const chosen = data.getAll("scopes");
      await post("api/db/api_keys", {
        org_id: orgId,
        name: String(data.get("name")).trim(),
        key_hash: hash,
        key_prefix: prefix,
        scopes: chosen.length ? chosen : undefined,
        rate_limit_rpm: Number(data.get("rate_limit")),
        expires_at: new Date(serverNow() + Number(data.get("expiry")) * DAY).toISOString(),
      });
      onCreated();
      showKey({ title: "API key created", key, note: "Programs send it as a bearer token." });
    },
  });
}
