import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { startBrowser, startServer } from "./dashboard.js";

const server = await startServer();
const browser = await startBrowser();

test("api-key/ST5: a key made in the browser works, and never reaches the server", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin, "/api-keys");
  await visitor.waitForText("No API keys yet.");
  const listed = visitor.requests.map((request) => request.url()).find((url) => url.includes("/api/db/api_keys"));
  assert.match(String(listed), new RegExp(`/api/db/api_keys\\?org_id=${server.orgId}&revoked=eq.false`));
  await visitor.press("Create API Key");
  await visitor.fill("Name", "dashboard-test-key");
  await visitor.check("machines:read");
  await visitor.check("audit:read");
  await visitor.choose("Rate limit", "60/min");
  await visitor.choose("Expiry", "30 days");
  await visitor.press("Generate Key");
  const key = await visitor.shownKey();
  assert.match(key, /^ztna_[0-9a-f]{64}$/);
  await visitor.press("Done");
  const row = await visitor.row("dashboard-test-key");
  assert.equal(row.Prefix, `${key.slice(0, 13)}...`);
  assert.deepEqual(row.Scopes.split(/\s+/), ["machines:read", "audit:read"]);
  assert.deepEqual([row["Rate Limit"], row.Usage], ["60/min", "0 calls"]);
  assert.match(row.Expires, /^\d{4}-\d\d-\d\d\s+in 30 days$/);

  const insert = visitor.requests.find(
    (request) => request.method() === "POST" && request.url().endsWith("/api/db/api_keys"),
  );
  const body = JSON.parse(insert?.postData() ?? "{}");
  assert.equal(body.key_hash, createHash("sha256").update(key).digest("hex"));
  for (const request of visitor.requests) {
    assert.ok(!`${request.url()} ${request.postData()} ${JSON.stringify(request.headers())}`.includes(key.slice(5)));
  }
  const used = await fetch(`${server.url}/api/db/machines?org_id=${server.orgId}`, {
    headers: { Authorization: `Bearer ${key}` },
  });
  assert.equal(used.status, 200);
  await visitor.page.reload();
  await visitor.row("dashboard-test-key", { Usage: "1 call" });

  await visitor.pressInRow("dashboard-test-key", "Revoke");
  await visitor.press("Revoke key");
  await visitor.waitForText("No API keys yet.");
  const refused = await fetch(`${server.url}/api/user-orgs`, { headers: { Authorization: `Bearer ${key}` } });
  assert.equal(refused.status, 401);
});

test("a key without scopes has Full Access, and the longest lifetime is accepted", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin, "/api-keys");
  await visitor.press("Create API Key");
  await visitor.fill("Name", "all");
  await visitor.choose("Rate limit", "1000/min");
  await visitor.choose("Expiry", "90 days");
  await visitor.press("Generate Key");
  await visitor.shownKey();
  await visitor.press("Done");
  const row = await visitor.row("all");
  assert.deepEqual([row.Scopes, row["Rate Limit"]], ["Full Access", "1000/min"]);
});

test("a refusal such as FORBIDDEN is shown", async () => {
  const visitor = await browser.visitor(server.url);
  // Somebody who was an admin when the page was opened.
  await visitor.page.setRequestInterception(true);
  visitor.page.on("request", (request) => {
    if (!request.url().endsWith("/api/user-orgs")) return request.continue();
    const data = [{ org_id: server.orgId, name: "Acme", role: "admin" }];
    return request.respond({ contentType: "application/json", body: JSON.stringify({ success: true, data }) });
  });
  await visitor.signIn(server.member, "/api-keys");
  await visitor.waitForText("FORBIDDEN: Admin required");
  await visitor.press("Create API Key");
  await visitor.fill("Name", "mine");
  await visitor.press("Generate Key");
  await visitor.wait(() =>
    document.querySelector("dialog [role=alert]")?.textContent?.includes("FORBIDDEN: Admin required"),
  );
});

test("where browsers allow no WebCrypto, the page says so", async () => {
  const visitor = await browser.visitor(server.url.replace("127.0.0.1", "plane.example"));
  await visitor.signIn(server.admin, "/api-keys");
  await visitor.press("Create API Key");
  await visitor.waitForText("only over HTTPS or on localhost");
  assert.equal(await visitor.has("button", "Generate Key"), false);
  await visitor.press("Close");
  await visitor.wait(() => !document.querySelector("dialog"));
});
