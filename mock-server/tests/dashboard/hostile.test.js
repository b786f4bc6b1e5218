import assert from "node:assert/strict";
import { test } from "node:test";
import { startBrowser, startServer } from "./dashboard.js";

const server = await startServer();
const browser = await startBrowser();

const NAMES = {
  markup: `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`,
  "a reference to a character": "&lt;b&gt;&amp;&#x202e;",
  "an override of the direction": "\u202Egnp.exe\u202C",
  "right to left": "مرحبا بالعالم 123",
  "255 characters without a space": "W".repeat(255),
  "an emoji of several characters": "👩‍👩‍👧‍👦🏳️‍🌈",
  "combining characters": `a${"\u0301".repeat(60)}`,
  quotes: "\"'`;--$" + "{7*7}{{7*7}}",
  "a link": "javascript:alert(1)",
  "nothing visible": "\u200B",
};

/**
 * A row whose every text is the name.
 *
 * @param {string} name
 */
function row(name) {
  const soon = new Date(Date.now() + 86_400_000).toISOString();
  return {
    id: "1",
    org_id: server.orgId,
    name,
    key_prefix: name,
    description: name,
    tags: [name],
    allowed_tags: null,
    allowed_cidrs: null,
    scopes: [name],
    reusable: true,
    ephemeral: true,
    used_count: 1,
    usage_count: 1,
    rate_limit_rpm: 60,
    revoked: false,
    expires_at: soon,
    created_at: soon,
    last_seen: soon,
    last_used_at: null,
    tailnet_ip: name,
    status: "offline",
    os: name,
    version: name,
    actor: name,
    action: name,
    target: name,
    details: { name, [name]: name },
  };
}

for (const [kind, name] of Object.entries(NAMES)) {
  test(`${kind} as a name is text`, async () => {
    const visitor = await browser.visitor(server.url);
    await visitor.page.setRequestInterception(true);
    visitor.page.on("request", (request) => {
      const { pathname } = new URL(request.url());
      const respond = (/** @type {unknown} */ data) =>
        request.respond({ contentType: "application/json", body: JSON.stringify({ success: true, data }) });
      if (pathname.startsWith("/api/db/")) return respond([row(name)]);
      if (pathname === "/api/user-orgs")
        return respond([
          { org_id: server.orgId, name, role: "owner" },
          { org_id: "2", name, role: "member" },
        ]);
      return request.continue();
    });
    await visitor.signIn(server.admin);
    for (const path of ["/dashboard", "/settings", "/settings/auth-keys", "/api-keys", "/audit-log"]) {
      await visitor.open(path);
      if (path !== "/settings") await visitor.wait(() => document.querySelector("tbody tr"));
      const { text, images, scripts, sideways } = await visitor.page.evaluate(() => ({
        text: document.body.textContent ?? "",
        images: [...document.images].map((image) => new URL(image.src).pathname),
        scripts: document.scripts.length,
        sideways: document.documentElement.scrollWidth - innerWidth,
      }));
      assert.ok(text.includes(name), `${path} shows the name`);
      assert.deepEqual([images, scripts], [["/assets/logo.svg"], 1], path);
      assert.ok(sideways <= 0, `${path} scrolls sideways by ${sideways}`);
      assert.notEqual(await visitor.page.title(), "broken");
    }
    await visitor.open("/dashboard");
    await visitor.press("Delete");
    await visitor.find("button", "Delete machine");
    assert.deepEqual(visitor.complaints, []);
    await visitor.page.browserContext().close();
  });
}
