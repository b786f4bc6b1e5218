// What an admin may do with a machine.

import { post } from "../api.js";
import { ask, showForm } from "../dialog.js";
import { h } from "../element.js";
import { listed, textField } from "../field.js";
import { confirm } from "../message.js";

/** @typedef {import("../types.js").Machine} Machine */

/**
 * Returns the buttons with which an admin administers a machine.
 *
 * @param {string} orgId
 * @param {Machine} machine
 * @param {() => Promise<void>} onDone
 */
export function machineActions(orgId, machine, onDone) {
  /**
   * @param {string} action
   * @param {string} done
   * @param {Record<string, unknown>} [fields]
   */
  const administer = async (action, done, fields = {}) => {
    await post("api/machine-admin", { action, org_id: orgId, machine_id: machine.id, ...fields });
    confirm(`${done} ${machine.name}`);
    await onDone();
  };
  const approve = () =>
    ask({
      title: "Approve machine",
      text: `“${machine.name}” joins the network and can reach the other machines.`,
      submit: "Approve machine",
      isDanger: false,
      send: () => administer("approve", "Approved"),
    });
  const quarantine = () =>
    ask({
      title: "Quarantine machine",
      text: `“${machine.name}” is cut off from the network at once, and cannot enrol again until it is released.`,
      submit: "Quarantine machine",
      send: () => administer("quarantine", "Quarantined"),
    });
  const release = () =>
    ask({
      title: "Release machine",
      text: `The quarantine of “${machine.name}” ends, and it may connect again.`,
      submit: "Release machine",
      isDanger: false,
      send: () => administer("release", "Released"),
    });
  const remove = () =>
    ask({
      title: "Delete machine",
      text: `“${machine.name}” leaves the network, and its address becomes free. With a valid auth key it can enrol again.`,
      submit: "Delete machine",
      send: () => administer("delete", "Deleted"),
    });
  const editTags = () =>
    showForm({
      title: "Edit tags",
      fields: [
        textField(
          "Tags",
          "tags",
          {
            autocomplete: "off",
            value: (machine.tags ?? []).map((tag) => `tag:${tag}`).join(", "),
            placeholder: "tag:server, tag:eng",
          },
          `All tags of ${machine.name}, separated by commas.`,
        ),
      ],
      submit: "Save tags",
      send: (data) => administer("set_tags", "Changed the tags of", { tags: listed(data.get("tags")) }),
    });
  const button = (/** @type {string} */ text, /** @type {() => void} */ onclick, kind = "") =>
    h("button", { type: "button", class: `small ${kind}`, onclick }, text);
  return h(
    "span",
    { class: "buttons" },
    machine.status === "pending" && button("Approve", approve, "primary"),
    button("Tags", editTags),
    machine.status === "quarantined" ? button("Release", release) : button("Quarantine", quarantine),
    button("Delete", remove, "danger"),
  );
}
