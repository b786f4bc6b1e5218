import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { startBrowser, startServer } from "./dashboard.js";

/** @typedef {import("./dashboard.js").Visitor} Visitor */

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const server = await startServer();
const browser = await startBrowser();
const { key } = await server.createAuthKey({ name: "fleet", reusable: true, tags: ["eng"], description: "Q2 rollout" });
await server.createAuthKey({ name: "revoked-one" });
await server.register(key, "Linux-C", { os: "Linux", version: "3.2.8" });
await server.registerPending("maxs-notebook");
const quarantined = (await server.register(key, "ops-laptop")).machine;
await server.post("/api/machine-admin", { action: "quarantine", org_id: server.orgId, machine_id: quarantined.id });
for (const scopes of [undefined, ["machines:read", "audit:read"]]) {
  await server.post("/api/key-management", { action: "create_api_key", org_id: server.orgId, name: "ci", scopes });
}

const rows = (/** @type {Visitor} */ visitor) => visitor.wait(() => document.querySelector("tbody tr"));
const open = (/** @type {string} */ button) => async (/** @type {Visitor} */ visitor) => {
  await rows(visitor);
  await visitor.press(button);
  await visitor.wait(() => document.querySelector("dialog"));
};

/** @typedef {[name: string, path: string, act?: (visitor: Visitor) => Promise<unknown>]} Look */

/** Every page, and what is done there before it is looked at. @type {Look[]} */
const PAGES = [
  ["machines", "/dashboard", rows],
  ["a question", "/dashboard", open("Approve")],
  ["editing tags", "/dashboard", open("Tags")],
  [
    "nothing found",
    "/dashboard",
    (visitor) =>
      visitor.fill("Search by name, address or tag", "zzz").then(() => visitor.waitForText("Nothing matches")),
  ],
  ["settings", "/settings"],
  ["auth keys", "/settings/auth-keys", rows],
  [
    "new auth key",
    "/settings/auth-keys",
    (visitor) => open("Generate Auth Key")(visitor).then(() => visitor.page.click("summary")),
  ],
  [
    "refused auth key",
    "/settings/auth-keys",
    (visitor) =>
      open("Generate Auth Key")(visitor)
        .then(() => visitor.press("Create"))
        .then(() => visitor.waitForText("MISSING_FIELDS")),
  ],
  ["API keys", "/api-keys", rows],
  ["new API key", "/api-keys", open("Create API Key")],
  [
    "shown API key",
    "/api-keys",
    async (visitor) => {
      await open("Create API Key")(visitor);
      await visitor.fill("Name", "shown");
      await visitor.press("Generate Key");
      await visitor.shownKey();
    },
  ],
  ["audit log", "/audit-log", rows],
  ["missing page", "/nothing"],
];

/** What is seen without a session. @type {Look[]} */
const PUBLIC_PAGES = [
  ["sign-in", "/login"],
  ["device approval", "/device?user_code=WDJB-MJHT"],
];

for (const scheme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    test(`pages in ${scheme} at ${width} pixels are accessible, fit, and load nothing from elsewhere`, async () => {
      const visitor = await browser.visitor(server.url);
      // The rules of the pages would refuse the inspector's own script.
      await visitor.page.setBypassCSP(true);
      await visitor.page.setViewport({ width, height: 740 });
      await visitor.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      for (const page of PUBLIC_PAGES) await inspect(visitor, page);
      await visitor.signIn(server.admin);
      for (const page of PAGES) await inspect(visitor, page);
      const hosts = new Set(visitor.requests.map((request) => new URL(request.url()).origin));
      assert.deepEqual([...hosts], [server.url]);
    });
  }
}

test("no page breaks the rules that it is sent with", async () => {
  const visitor = await browser.visitor(server.url);
  for (const page of PUBLIC_PAGES) await visitor.open(page[1]);
  await visitor.signIn(server.admin);
  for (const [, path, act] of PAGES) {
    await visitor.open(path);
    await act?.(visitor);
  }
  assert.deepEqual(visitor.complaints, []);
  const blocked = await visitor.page.evaluate(() => {
    try {
      document.body.innerHTML = "<p>text</p>";
      return false;
    } catch {
      return true;
    }
  });
  assert.ok(blocked, "text can become markup");
});

/**
 * @param {Visitor} visitor
 * @param {Look} page
 */
async function inspect(visitor, page) {
  const [name, path, act] = page;
  await visitor.open(path);
  await act?.(visitor);
  const sideways = await visitor.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(sideways <= 0, `${name} scrolls sideways by ${sideways}`);
  await visitor.page.evaluate(AXE);
  const violations = await visitor.page.evaluate(async () => {
    const results = await /** @type {any} */ (window).axe.run(document, { resultTypes: ["violations"] });
    if (results.passes.length < 5) throw new Error("the inspector has looked at nothing");
    return results.violations.map((/** @type {any} */ found) => ({
      id: found.id,
      nodes: found.nodes.map((/** @type {any} */ node) => `${node.html} ${node.failureSummary}`),
    }));
  });
  assert.deepEqual(violations, [], name);
}
