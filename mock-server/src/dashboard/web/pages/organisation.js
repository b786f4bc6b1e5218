// Settings, General: the organisation and the own role in it.

import { h } from "../element.js";
import { confirm } from "../message.js";
import { settingsFrame } from "./settings_frame.js";

/** @type {import("../types.js").Page} */
export const organisationSettings = {
  title: "Settings",
  section: "settings",
  show(context) {
    const { name, org_id, role } = context.organisation;
    const copy = async () => {
      await navigator.clipboard.writeText(org_id).then(
        () => confirm("Copied the organisation's ID"),
        () => {},
      );
    };
    const content = settingsFrame(context, {
      current: "general",
      title: "Settings",
      text: "Programs that use the API name the organisation by its ID.",
    });
    content.append(
      h(
        "dl",
        { class: "card" },
        h("div", {}, h("dt", {}, "Organisation"), h("dd", {}, h("bdi", {}, name))),
        h(
          "div",
          {},
          h("dt", {}, "Organisation ID"),
          h(
            "dd",
            {},
            h("code", {}, org_id),
            " ",
            isSecureContext && h("button", { type: "button", class: "small", onclick: copy }, "Copy ID"),
          ),
        ),
        h("div", {}, h("dt", {}, "Your role"), h("dd", {}, role)),
      ),
    );
  },
};
