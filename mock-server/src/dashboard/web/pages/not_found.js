// An address without a page.

import { h } from "../element.js";
import { navLink } from "../layout.js";

/** @type {import("../types.js").Page} */
export const notFound = {
  title: "Page not found",
  section: "",
  show({ main, organisation }) {
    main.append(
      h("h1", {}, "Page not found"),
      h("p", {}, "There is no page at this address."),
      h("p", {}, navLink("dashboard", "Go to the machines", organisation, false)),
    );
  },
};
