import assert from "node:assert/strict";
import { test } from "node:test";
import { startBrowser, startServer } from "./dashboard.js";

const server = await startServer();
const browser = await startBrowser();

/** @param {string} days */
function inDays(days) {
  const date = new Date(Date.now() + Number(days) * 86_400_000);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-");
}

test("headless/ST1: a key is made, shown once, listed, used and revoked", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin);
  await visitor.follow("Settings");
  await visitor.follow("Auth Keys");
  await visitor.press("Generate Auth Key");
  await visitor.fill("Name", "test-headless-key");
  await visitor.check("Reusable");
  await visitor.choose("Expiry", "7 days");
  await visitor.press("Create");
  const key = await visitor.shownKey();
  assert.match(key, /^tskey-auth-[0-9a-f]{64}$/);
  await visitor.press("Done");
  const row = await visitor.row("test-headless-key");
  assert.equal(row.Prefix, `${key.slice(0, 19)}...`);
  assert.deepEqual([row.Used, row.Reusable, row.Ephemeral], ["0", "Yes", "No"]);
  assert.match(row.Expires, new RegExp(`^${inDays("7")}\\s+in 7 days$`));
  await server.register(key, "Linux-C");
  await visitor.row("test-headless-key", { Used: "1" });

  await visitor.pressInRow("test-headless-key", "Revoke");
  await visitor.press("Cancel");
  await visitor.pressInRow("test-headless-key", "Revoke");
  await visitor.press("Revoke key");
  await visitor.waitForText("Revoked test-headless-key");
  await visitor.waitForText("No auth keys yet.");
  await visitor.check("Show revoked");
  assert.match((await visitor.row("test-headless-key")).Name, /Revoked/);
  const [stored] = await server.get(`/api/db/auth_keys?org_id=${server.orgId}&name=eq.test-headless-key`);
  assert.equal(stored.revoked, true);
  assert.deepEqual(visitor.complaints, []);
});

test("issuing/create.4: the guide's walk ends at its button, and every field is sent", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin);
  await visitor.follow("Settings");
  await visitor.follow("API Keys");
  await visitor.follow("Auth Keys");
  await visitor.press("Create auth key");
  await visitor.fill("Description", "Q2 laptop fleet rollout");
  await visitor.check("Reusable");
  await visitor.check("Ephemeral");
  await visitor.choose("Expiry", "1 hour");
  await visitor.fill("Tags", "tag:laptop, tag:eng");
  await visitor.page.click("summary");
  await visitor.fill("Allowed tags", "laptop eng");
  await visitor.fill("Allowed networks", "10.0.0.0/8");
  await visitor.press("Create");
  await visitor.shownKey();
  await visitor.press("Done");
  await visitor.row("Q2 laptop fleet rollout", { Reusable: "Yes", Ephemeral: "Yes" });
  const [stored] = await server.get(`/api/db/auth_keys?org_id=${server.orgId}&name=like.Q2*`);
  assert.deepEqual(stored.tags, ["laptop", "eng"]);
  assert.deepEqual(stored.allowed_tags, ["laptop", "eng"]);
  assert.deepEqual(stored.allowed_cidrs, ["10.0.0.0/8"]);
  const lifetime = Date.parse(stored.expires_at) - Date.parse(stored.created_at);
  assert.ok(Math.abs(lifetime - 3_600_000) < 1000, String(lifetime));
});

test("a double click makes one key, which stays shown", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin, "/settings/auth-keys");
  await visitor.press("Generate Auth Key");
  await visitor.fill("Name", "double");
  const button = await visitor.find("button", "Create");
  await button.click({ count: 2, delay: 5 });
  await visitor.shownKey();
  await visitor.press("Done");
  await visitor.row("double");
  assert.equal((await server.get(`/api/db/auth_keys?org_id=${server.orgId}&name=eq.double`)).length, 1);
  // The second press meets "Done" where "Create" was, and a slow answer meets a form that is still there.
  for (const delay of [0, 150]) {
    await visitor.page.setRequestInterception(true);
    const slow = (/** @type {import("puppeteer-core").HTTPRequest} */ request) => {
      setTimeout(() => request.continue(), request.method() === "POST" ? delay : 0);
    };
    visitor.page.on("request", slow);
    await visitor.press("Generate Auth Key");
    await visitor.fill("Name", `double-${delay}`);
    const box = await (await visitor.find("button", "Create")).boundingBox();
    assert.ok(box);
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    for (let press = 0; press < 5; press += 1) await visitor.page.mouse.click(x, y);
    await visitor.shownKey();
    await visitor.press("Done");
    assert.equal((await server.get(`/api/db/auth_keys?org_id=${server.orgId}&name=eq.double-${delay}`)).length, 1);
    visitor.page.off("request", slow);
    await visitor.page.setRequestInterception(false);
  }
});

test("neither the back button nor a reload shows a key again", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin, "/settings/auth-keys");
  const html = () => visitor.page.content();
  for (const leave of [
    () => visitor.page.reload(),
    () => visitor.page.goBack(),
    () => visitor.page.goto("about:blank"),
    () => visitor.press("Done"),
  ]) {
    await visitor.open(`/settings?org_id=${server.orgId}`);
    await visitor.follow("Auth Keys");
    await visitor.press("Generate Auth Key");
    await visitor.fill("Name", "once");
    await visitor.press("Create");
    const key = await visitor.shownKey();
    await leave();
    await visitor.wait(() => !document.querySelector("dialog"));
    assert.ok(!(await html()).includes(key), `${leave}`);
    await visitor.page.goBack();
    await visitor.page.goForward();
    if (!visitor.page.url().startsWith("about:")) await visitor.find("heading");
    assert.ok(!(await html()).includes(key), `${leave}, and back`);
    assert.ok(!JSON.stringify(await visitor.storage().catch(() => ({}))).includes(key), `${leave}: stored`);
  }
});

test("refusals are shown in the form, which keeps what was entered", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin, "/settings/auth-keys");
  await visitor.press("Generate Auth Key");
  await visitor.press("Create");
  await visitor.waitForText("MISSING_FIELDS: name required");
  await visitor.fill("Name", "kept");
  await visitor.fill("Tags", "not a tag!");
  await visitor.press("Create");
  await visitor.waitForText("INVALID_INPUT");
  const kept = await visitor.page.$eval("dialog [name=name]", (field) => /** @type {HTMLInputElement} */ (field).value);
  assert.equal(kept, "kept");
});
