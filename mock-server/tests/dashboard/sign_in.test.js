import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startBrowser, startServer } from "./dashboard.js";

const server = await startServer();
const browser = await startBrowser();

test("a wrong password is refused with code and message, and the right one leads to the machines", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.open("/");
  await visitor.fill("Email", server.admin.email);
  await visitor.fill("Password", "wrong");
  await visitor.press("Sign in");
  await visitor.waitForText("INVALID_CREDENTIALS: Wrong email or password");
  assert.deepEqual(await visitor.storage(), {});
  await visitor.fill("Password", server.admin.password);
  await visitor.press("Sign in");
  await visitor.find("heading", "Machines");
  const { access_token } = await visitor.storage();
  assert.match(access_token, /^eyJ/);
  assert.equal(await visitor.address(), `/dashboard?org_id=${server.orgId}`);
});

test("an expired session leads to the sign-in and back to the same page", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin, `/settings/auth-keys?org_id=${server.orgId}`);
  await visitor.find("heading", "Auth Keys");
  const { access_token } = await visitor.storage();
  await server.post("/api/auth/logout", {}, access_token);
  // The next answer tells, at the latest the one that the page waits for.
  await server.createAuthKey({ name: "later" });
  await visitor.waitForText("Your session has expired");
  assert.deepEqual(await visitor.storage(), {});
  await visitor.fill("Email", server.admin.email);
  await visitor.fill("Password", server.admin.password);
  await visitor.press("Sign in");
  await visitor.find("heading", "Auth Keys");
  assert.equal(await visitor.address(), `/settings/auth-keys?org_id=${server.orgId}`);
});

test("signing out ends the session, clears the storage, and leaves nothing behind the back button", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin);
  const { access_token } = await visitor.storage();
  const other = await visitor.page.browserContext().newPage();
  await other.goto(`${server.url}/settings`);
  await other.waitForSelector("dl");
  // Nothing is drawn in a tab behind another one.
  await visitor.page.bringToFront();
  await visitor.press("Sign out");
  await visitor.find("heading", "Sign in");
  assert.deepEqual(await visitor.storage(), {});
  const refused = await fetch(`${server.url}/api/user-orgs`, { headers: { Authorization: `Bearer ${access_token}` } });
  assert.equal(refused.status, 401);
  await visitor.page.goBack();
  await visitor.find("heading", "Sign in");
  await other.bringToFront();
  await other.waitForSelector("::-p-aria([name='Sign in'][role='heading'])");
});

test("the sign-in leads to pages of this dashboard only", async () => {
  for (const next of ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example", "%"]) {
    const visitor = await browser.visitor(server.url);
    await visitor.open(`/login?next=${encodeURIComponent(next)}`);
    await visitor.fill("Email", server.member.email);
    await visitor.fill("Password", server.member.password);
    await visitor.press("Sign in");
    await visitor.find("button", "Sign out");
    assert.ok(visitor.page.url().startsWith(`${server.url}/`), visitor.page.url());
    await visitor.page.browserContext().close();
  }
});

test("an address without a page says so, and the way on", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin, "/nothing/here");
  await visitor.find("heading", "Page not found");
  await visitor.follow("Go to the machines");
  await visitor.find("heading", "Machines");
});

test("a control plane that is away is reported, and found again", async () => {
  const database = `sqlite:${join(await mkdtemp(join(tmpdir(), "dashboard-")), "store")}`;
  const first = await startServer("--database", database);
  const visitor = await browser.visitor(first.url);
  await visitor.signIn(first.admin);
  await visitor.waitForText("No machines yet.");
  await first.stop();
  await visitor.waitForText("UNREACHABLE: The control plane does not answer.");
  const second = await startServer("--database", database, "--listen", new URL(first.url).host);
  const { key } = await second.createAuthKey({ name: "later" });
  await second.register(key, "Linux-C");
  await visitor.row("Linux-C", { Status: "Online" });
  await visitor.wait(() => !document.body.innerText.includes("UNREACHABLE"));
});
