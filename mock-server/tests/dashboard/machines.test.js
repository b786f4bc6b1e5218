import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startBrowser, startServer } from "./dashboard.js";

const MANY = 10_000;

const server = await startServer();
const browser = await startBrowser();

test("machines come, are administered and go without a reload", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin);
  await visitor.waitForText("No machines yet.");
  const { key } = await server.createAuthKey({ name: "fleet", reusable: true, tags: ["eng"] });
  await server.register(key, "Linux-C", { os: "Linux", version: "3.2.8" });
  const row = await visitor.row("Linux-C", { Status: "Online" });
  assert.match(row.Address, /^100\.64\./);
  assert.equal(row.Tags, "tag:eng");

  await server.registerPending("maxs-notebook");
  await visitor.waitForText("1 machine needs approval.");
  await visitor.row("maxs-notebook", { Status: "Needs approval" });
  await visitor.pressInRow("maxs-notebook", "Approve");
  await visitor.press("Approve machine");
  await visitor.row("maxs-notebook", { Status: "Online" });

  await visitor.pressInRow("Linux-C", "Quarantine");
  await visitor.press("Quarantine machine");
  await visitor.row("Linux-C", { Status: "Quarantined" });
  await visitor.pressInRow("Linux-C", "Release");
  await visitor.press("Release machine");
  await visitor.row("Linux-C", { Status: "Offline" });
  await visitor.pressInRow("Linux-C", "Tags");
  await visitor.fill("Tags", "tag:server, prod");
  await visitor.press("Save tags");
  await visitor.wait(() => document.querySelector("tbody")?.textContent?.includes("tag:prod"));
  await visitor.pressInRow("Linux-C", "Delete");
  await visitor.press("Delete machine");
  await visitor.wait(() => !document.querySelector("tbody")?.textContent?.includes("Linux-C"));

  await server.advanceClock(120);
  await visitor.row("maxs-notebook", { Status: "Offline" });
  assert.equal(visitor.requests.filter((request) => request.isNavigationRequest()).length, 1);

  await visitor.follow("Audit log");
  await visitor.waitForText("Quarantine machine");
  await visitor.choose("Action", "Delete machine");
  await visitor.wait(() => document.querySelectorAll("tbody tr").length === 1);
  await visitor.fill("Search by actor", "nobody");
  await visitor.waitForText("Nothing matches “nobody”.");
  assert.deepEqual(visitor.complaints, []);
});

test("a member sees machines, and no button or request that would be refused", async () => {
  const { key } = await server.createAuthKey({ name: "one", reusable: true });
  await server.register(key, "build-01");
  const visitor = await browser.visitor(server.url);
  /** @type {string[]} */
  const refused = [];
  visitor.page.on("response", (response) => {
    if (response.status() === 403) refused.push(response.url());
  });
  await visitor.signIn(server.member);
  await visitor.row("build-01");
  for (const name of ["Approve", "Quarantine", "Delete", "Tags"])
    assert.equal(await visitor.has("button", name), false, name);
  assert.equal(await visitor.has("link", "Audit log"), false);
  for (const path of ["/settings/auth-keys", "/api-keys", "/audit-log"]) {
    await visitor.open(path);
    await visitor.waitForText("Your role in Acme is member.");
    const buttons = await visitor.page.$$eval("button", (found) => found.map((button) => button.textContent));
    assert.deepEqual(buttons, ["Sign out"], path);
  }
  assert.deepEqual(refused, []);
});

test("several organisations can be chosen from, and the address names the one shown", async () => {
  const folder = join(tmpdir(), `dashboard-fixture-${process.pid}.toml`);
  await writeFile(
    folder,
    `[[organisation]]\nid = "org_one"\nname = "One"\nmachine_limit = 10\n
     [[organisation]]\nid = "org_two"\nname = "Two"\nmachine_limit = ${2 * MANY}\n
     [[user]]\nemail = "ann@one.example"\nname = "Ann"\npassword = "ann-runs-both"\nroles = { org_one = "member", org_two = "owner" }\n
     [session]\nlifetime = "12h"\ndevice_code_lifetime = "10m"\ndevice_poll_interval = "1s"\n`,
  );
  const both = await startServer("--fixture", folder);
  const ann = { email: "ann@one.example", password: "ann-runs-both", token: "" };
  ann.token = (await both.post("/api/auth/login", { email: ann.email, password: ann.password }, "")).access_token;
  const visitor = await browser.visitor(both.url);
  await visitor.signIn(ann);
  await visitor.choose("Organisation", "Two");
  await visitor.find("link", "Audit log");
  assert.equal(await visitor.address(), "/dashboard?org_id=org_two");
  await visitor.page.goBack();
  await visitor.wait(() => !document.body.innerText.includes("Audit log"));
  assert.equal(await visitor.address(), "/dashboard?org_id=org_one");
  await visitor.open("/settings?org_id=org_two");
  await visitor.waitForText("org_two");
  await visitor.open("/settings?org_id=org_unknown");
  await visitor.waitForText("org_two");

  // The same organisation with as many machines as a large one has.
  const create = { action: "create_auth_key", org_id: "org_two", name: "fleet", reusable: true };
  const { key } = await both.post("/api/key-management", create, ann.token);
  let next = 0;
  const register = async () => {
    while (next < MANY) {
      next += 1;
      await both.register(key, `machine-${String(next).padStart(5, "0")}`);
    }
  };
  await Promise.all(Array.from({ length: 32 }, register));
  await visitor.open("/dashboard?org_id=org_two");
  await visitor.row("machine-00100");
  assert.equal(await visitor.page.$$eval("tbody tr", (rows) => rows.length), 100);
  await visitor.waitForText("1–100");
  await visitor.press("Next page");
  await visitor.row("machine-00101");
  await visitor.press("Previous page");
  await visitor.row("machine-00001");
  await visitor.fill("Search by name, address or tag", "09999");
  await visitor.wait(() => document.querySelectorAll("tbody tr").length === 1);
  await visitor.row("machine-09999");

  const paints = [];
  for (let load = 0; load < 5; load += 1) {
    await visitor.open("/dashboard?org_id=org_two");
    await visitor.row("machine-00100");
    paints.push(await visitor.wait(() => performance.getEntriesByName("first-contentful-paint").at(0)?.startTime));
  }
  console.log(`# first paint with ${MANY} machines: ${paints.map(Math.round).join(", ")} ms`);
  assert.ok(Math.min(...paints) < 200, String(paints));
});
