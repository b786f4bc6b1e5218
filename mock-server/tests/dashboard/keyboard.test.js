import assert from "node:assert/strict";
import { test } from "node:test";
import { startBrowser, startServer } from "./dashboard.js";

const server = await startServer();
const browser = await startBrowser();

test("a key is made and revoked with the keyboard alone", async () => {
  const visitor = await browser.visitor(server.url);
  const { keyboard } = visitor.page;
  /** The text or label of what has the focus. */
  const focused = () =>
    visitor.page.evaluate(() => {
      const element = /** @type {HTMLInputElement} */ (document.activeElement);
      return element.labels?.[0]?.textContent ?? element.getAttribute("aria-label") ?? element.textContent ?? "";
    });
  const tabTo = async (/** @type {string} */ name) => {
    /** @type {string[]} */
    const passed = [];
    for (let press = 0; press < 40; press += 1) {
      const now = await focused();
      if (now === name) {
        const isVisible = await visitor.page.evaluate(() => {
          const style = getComputedStyle(/** @type {Element} */ (document.activeElement));
          return style.outlineStyle !== "none" || style.accentColor !== "auto";
        });
        assert.ok(isVisible, `the focus on ${name} cannot be seen`);
        return;
      }
      passed.push(now.slice(0, 30));
      await keyboard.press("Tab");
    }
    assert.fail(`${name} is not reached: ${passed.join(" · ")}`);
  };

  await visitor.open("/dashboard");
  assert.equal(await focused(), "Email");
  await keyboard.type(server.admin.email);
  await tabTo("Password");
  await keyboard.type(server.admin.password);
  await keyboard.press("Enter");
  await visitor.find("heading", "Machines");
  await tabTo("Settings");
  await keyboard.press("Enter");
  await visitor.find("link", "API Keys");
  await tabTo("API Keys");
  await keyboard.press("Enter");
  await visitor.find("button", "Create API Key");
  await tabTo("Create API Key");
  await keyboard.press("Enter");
  await visitor.find("dialog", "Create API Key");
  assert.equal(await focused(), "Name");
  await keyboard.type("by-keyboard");
  await tabTo("audit:read");
  await keyboard.press("Space");
  await tabTo("Generate Key");
  await keyboard.press("Enter");
  await visitor.shownKey();
  await keyboard.press("Escape");
  await visitor.shownKey();
  await tabTo("Done");
  await keyboard.press("Enter");
  await visitor.row("by-keyboard", { Scopes: "audit:read" });
  // The focus returns to where it was before the dialog.
  assert.equal(await focused(), "Create API Key");
  await tabTo("Revoke");
  await keyboard.press("Enter");
  await visitor.find("dialog", "Revoke API key");
  await keyboard.press("Escape");
  await visitor.wait(() => !document.querySelector("dialog"));
  assert.equal(await focused(), "Revoke");
  await keyboard.press("Enter");
  await tabTo("Revoke key");
  await keyboard.press("Enter");
  await visitor.waitForText("No API keys yet.");
});

test("the first stop of the keyboard skips to the content", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin);
  await visitor.page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement)?.blur());
  await visitor.page.reload();
  await visitor.find("heading", "Machines");
  await visitor.page.keyboard.press("Tab");
  await visitor.page.keyboard.press("Enter");
  assert.equal(await visitor.page.evaluate(() => document.activeElement?.id), "content");
});

test("what has the focus keeps it when rows change", async () => {
  const visitor = await browser.visitor(server.url);
  await visitor.signIn(server.admin, "/settings/auth-keys");
  const { key } = await server.createAuthKey({ name: "focused", reusable: true });
  await visitor.row("focused");
  await visitor.page.focus("tbody button");
  await server.register(key, "some-machine");
  await visitor.row("focused", { Used: "1" });
  assert.equal(await visitor.page.evaluate(() => document.activeElement?.textContent), "Revoke");
});
