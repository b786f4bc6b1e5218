import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { after, test } from "node:test";
import { startBrowser, startServer } from "./dashboard.js";

const PREFIX = "/ztna";

const server = await startServer();
const browser = await startBrowser();

/** A reverse proxy that serves the control plane below a path of its own. */
const proxy = createServer((received, answer) => {
  if (!received.url?.startsWith(`${PREFIX}/`)) {
    answer.writeHead(404).end();
    return;
  }
  const url = server.url + received.url.slice(PREFIX.length);
  const sent = request(url, { method: received.method, headers: received.headers }, (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(answer);
  });
  sent.on("error", () => answer.destroy());
  answer.on("close", () => sent.destroy());
  received.pipe(sent);
});
await new Promise((resolve) => proxy.listen(0, "127.0.0.1", () => resolve(null)));
after(() => {
  proxy.close();
  proxy.closeAllConnections();
});

test("the dashboard works below a path of a reverse proxy", async () => {
  const address = proxy.address();
  assert.ok(address !== null && typeof address === "object");
  const visitor = await browser.visitor(`http://127.0.0.1:${address.port}${PREFIX}`);
  await visitor.signIn(server.admin, "/settings/api-keys/auth-keys");
  assert.equal(await visitor.address(), `/settings/api-keys/auth-keys?org_id=${server.orgId}`);
  await visitor.press("Create auth key");
  await visitor.fill("Name", "below");
  await visitor.press("Create");
  await visitor.shownKey();
  await visitor.press("Done");
  await visitor.row("below");
  await visitor.follow("Machines");
  await visitor.waitForText("No machines yet.");
  await visitor.waitForText(`${PREFIX}/install.sh`);
  await visitor.open("/device?user_code=WDJB-MJHT");
  const width = await visitor.page.$eval("main", (main) => main.getBoundingClientRect().width);
  assert.ok(width < 500, "the page has its style");
});
