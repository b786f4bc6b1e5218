// What the tests share: a server, a browser, and a visitor who finds things by role and name, as assistive technology does.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import puppeteer from "puppeteer-core";

/** @typedef {{ email: string, password: string, token: string }} Person */
/** @typedef {import("puppeteer-core").Page} Page */
/** @typedef {import("puppeteer-core").HTTPRequest} Request */
/** @typedef {import("puppeteer-core").ElementHandle<Element>} Found */

/** How long to wait for anything, in milliseconds. */
export const PATIENCE = 20_000;

const JSON_BODY = { "Content-Type": "application/json" };

const BROWSER_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A name that is neither localhost nor encrypted.
  "--host-resolver-rules=MAP plane.example 127.0.0.1",
];

/**
 * Starts a server for the tests of a file.
 *
 * @param {...string} options
 * @returns {Promise<Server>}
 */
export async function startServer(...options) {
  const folder = await mkdtemp(join(tmpdir(), "dashboard-"));
  const ready = join(folder, "ready.json");
  const program = process.env.MOCK_SERVER ?? "";
  const child = spawn(program, ["serve", "--test-control", "--ready-file", ready, ...options], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, RUST_LOG: "error" },
  });
  after(async () => {
    child.kill();
    await rm(folder, { recursive: true });
  });
  const end = Date.now() + PATIENCE;
  while (Date.now() < end && child.exitCode === null) {
    const text = await readFile(ready, "utf8").catch(() => "");
    if (text) return new Server(JSON.parse(text), child);
    await pause(20);
  }
  throw new Error("mock-server did not start");
}

export class Server {
  /**
   * @param {{ base_url: string, org_id: string, admin: Person, member: Person, outsider: Person, control_url: string }} ready
   * @param {import("node:child_process").ChildProcess} program
   */
  constructor(ready, program) {
    this.program = program;
    this.url = ready.base_url;
    this.orgId = ready.org_id;
    this.admin = ready.admin;
    this.member = ready.member;
    this.outsider = ready.outsider;
    this.control = ready.control_url;
    this.machines = 0;
  }

  /**
   * @param {string} path
   * @param {Record<string, unknown>} body
   * @param {string} [token]
   * @returns {Promise<any>} the response's data
   */
  async post(path, body, token = this.admin.token) {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch(this.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    const answer = await response.json();
    if (!answer.success) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer.data;
  }

  /**
   * @param {string} path
   * @returns {Promise<any>}
   */
  async get(path) {
    const response = await fetch(this.url + path, { headers: { Authorization: `Bearer ${this.admin.token}` } });
    return (await response.json()).data;
  }

  /** @param {Record<string, unknown>} fields */
  createAuthKey(fields) {
    return this.post("/api/key-management", { action: "create_auth_key", org_id: this.orgId, ...fields });
  }

  /**
   * @param {string} authKey
   * @param {string} name
   * @param {Record<string, unknown>} [fields]
   */
  register(authKey, name, fields = {}) {
    const body = { auth_key: authKey, name, public_key: this.#publicKey(), ...fields };
    return this.post("/api/register-machine", body, "");
  }

  /**
   * Registers a machine of the member, which then awaits approval.
   *
   * @param {string} name
   */
  registerPending(name) {
    const body = { org_id: this.orgId, name, public_key: this.#publicKey() };
    return this.post("/api/register-machine", body, this.member.token);
  }

  async stop() {
    const stopped = once(this.program, "exit");
    this.program.kill();
    await stopped;
  }

  /** @param {number} seconds */
  async advanceClock(seconds) {
    const body = JSON.stringify({ advance_seconds: seconds });
    const response = await fetch(`${this.control}/clock`, { method: "POST", headers: JSON_BODY, body });
    if (!response.ok) throw new Error(`the clock: ${await response.text()}`);
  }

  #publicKey() {
    this.machines += 1;
    const bytes = Buffer.alloc(32, 64);
    bytes.writeUInt32BE(this.machines);
    return bytes.toString("base64");
  }
}

/** The browser of a file's tests; every visitor has a profile of their own. */
export async function startBrowser() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await puppeteer.launch({ executablePath, args: BROWSER_FLAGS });
  after(() => browser.close());
  return {
    /** @param {string} url */
    async visitor(url) {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE);
      await page.setViewport({ width: 1280, height: 900 });
      return new Visitor(page, url);
    },
  };
}

export class Visitor {
  /**
   * @param {Page} page
   * @param {string} url where the server is
   */
  constructor(page, url) {
    this.page = page;
    this.url = url;
    /** Every request made. @type {Request[]} */
    this.requests = [];
    /** What the browser complained about: exceptions, and what the Content-Security-Policy refused. @type {string[]} */
    this.complaints = [];
    page.on("request", (request) => this.requests.push(request));
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      // Chromium writes refused requests to the console itself.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        this.complaints.push(message.text());
      }
    });
  }

  /** @param {string} path */
  async open(path) {
    await this.page.goto(this.url + path);
    await this.find("heading");
  }

  /**
   * @param {Person} person
   * @param {string} [path]
   */
  async signIn(person, path = "/dashboard") {
    await this.open(path);
    await this.fill("Email", person.email);
    await this.fill("Password", person.password);
    await this.press("Sign in");
    await this.find("button", "Sign out");
  }

  /**
   * Waits for an element with this role and exactly this name.
   *
   * @param {string} role
   * @param {string} [name]
   * @returns {Promise<Found>}
   */
  async find(role, name) {
    const selector = name === undefined ? `[role="${role}"]` : `[name="${name}"][role="${role}"]`;
    const found = await this.page.waitForSelector(`::-p-aria(${selector})`);
    if (!found) throw new Error(`no ${role} named ${name}`);
    return /** @type {Found} */ (found);
  }

  /**
   * @param {string} role
   * @param {string} name
   * @returns {Promise<boolean>}
   */
  async has(role, name) {
    return (await this.page.$(`::-p-aria([name="${name}"][role="${role}"])`)) !== null;
  }

  /** @param {string} name */
  async press(name) {
    await (await this.find("button", name)).click();
  }

  /** @param {string} name */
  async follow(name) {
    await (await this.find("link", name)).click();
  }

  /**
   * @param {string} label
   * @param {string} text
   */
  async fill(label, text) {
    const field = await this.page.waitForSelector(`::-p-aria(${label})`);
    await field?.evaluate((element) => /** @type {HTMLInputElement} */ (element).select());
    await field?.type(text);
  }

  /** @param {string} label */
  async check(label) {
    await (await this.find("checkbox", label)).click();
  }

  /**
   * @param {string} label
   * @param {string} text the option's text
   */
  async choose(label, text) {
    const field = await this.find("combobox", label);
    await field.evaluate((element, wanted) => {
      const select = /** @type {HTMLSelectElement} */ (element);
      select.value = [...select.options].find((option) => option.text === wanted)?.value ?? "";
      select.dispatchEvent(new Event("change", { bubbles: true }));
    }, text);
  }

  /**
   * Waits until a function in the page returns something.
   *
   * @template Result
   * @param {(...values: any[]) => Result} predicate
   * @param {...unknown} values
   * @returns {Promise<any>}
   */
  async wait(predicate, ...values) {
    const handle = await this.page.waitForFunction(predicate, { polling: 50 }, ...values);
    return handle.jsonValue();
  }

  /**
   * Waits for the row of this name, and returns its cells by the column's title.
   *
   * @param {string} name
   * @param {Record<string, string>} [expected] cells to wait for
   * @returns {Promise<Record<string, string>>}
   */
  row(name, expected = {}) {
    return this.wait(
      (wantedName, wanted) => {
        const titles = [...document.querySelectorAll("th")].map((cell) => cell.innerText);
        for (const row of document.querySelectorAll("tbody tr")) {
          if (/** @type {HTMLElement} */ (row.querySelector(".name"))?.innerText !== wantedName) continue;
          const cells = [...row.querySelectorAll("td")].map((cell, at) => [titles[at], cell.innerText]);
          const found = Object.fromEntries(cells);
          if (Object.entries(wanted).every(([title, text]) => found[title] === text)) return found;
        }
        return null;
      },
      name,
      expected,
    );
  }

  /**
   * Presses a button in the row of this name.
   *
   * @param {string} name
   * @param {string} button
   */
  async pressInRow(name, button) {
    await this.row(name);
    const found = await this.page.evaluateHandle(
      (wantedName, text) => {
        const rows = [...document.querySelectorAll("tbody tr")];
        const row = rows.find((each) => each.querySelector(".name")?.textContent === wantedName);
        return [...(row?.querySelectorAll("button") ?? [])].find((each) => each.textContent === text);
      },
      name,
      button,
    );
    await /** @type {Found} */ (found.asElement()).click();
  }

  /** The key that the open dialog shows. @returns {Promise<string>} */
  shownKey() {
    return this.wait(() => document.querySelector("dialog code")?.textContent);
  }

  /** @returns {Promise<string>} */
  text() {
    return this.page.evaluate(() => document.body.innerText);
  }

  /** @param {string} text */
  waitForText(text) {
    return this.wait((wanted) => document.body.innerText.includes(wanted), text);
  }

  /** @returns {Promise<Record<string, string>>} */
  storage() {
    return this.page.evaluate(() => ({ ...localStorage, ...sessionStorage }));
  }

  /** @returns {Promise<string>} the address without the server's */
  async address() {
    return this.page.url().slice(this.url.length);
  }
}
