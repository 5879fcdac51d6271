// Drives Chromium for the browser tests: reads commands as JSON lines, and answers each with a JSON line of its id.
//
//     node driver.mjs FOLDER_OF_NODE_MODULES CHROMIUM
//
// The process and Chromium end when the input ends.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [folder, executablePath] = process.argv.slice(2);
const puppeteer = createRequire(`${folder}/`)("puppeteer-core");

const browser = await puppeteer.launch({
  executablePath,
  headless: true,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // No test leaves this machine, for any request of a page.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
  ],
});

const profiles = new Map();
const pages = new Map();
let next = 0;

/** Shifts the page's clock, as on a computer whose clock is wrong. */
function shiftClock(milliseconds) {
  const RealDate = Date;
  const now = () => RealDate.now() + milliseconds;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given) => (given.length ? new target(...given) : new target(now())),
    apply: () => new RealDate(now()).toString(),
    get: (target, name) => (name === "now" ? now : target[name]),
  });
}

const commands = {
  /** Opens a tab; tabs of one profile share their cookies. */
  async open({ profile, url, shift }) {
    if (!profiles.has(profile)) profiles.set(profile, browser.createBrowserContext());
    const page = await (await profiles.get(profile)).newPage();
    const session = await page.createCDPSession();
    // Every tab believes that it is in front, as in windows side by side.
    await session.send("Emulation.setFocusEmulationEnabled", { enabled: true });
    if (shift) await page.evaluateOnNewDocument(shiftClock, shift);
    const id = `page${next++}`;
    const log = [];
    page.on("console", (message) => log.push(message.text()));
    page.on("pageerror", (error) => log.push(String(error)));
    pages.set(id, { page, log });
    await page.goto(url, { waitUntil: "load" });
    return id;
  },
  /** Runs the body of an async function in the page. */
  async run({ page: id, script }) {
    const { page, log } = pages.get(id);
    try {
      const result = await page.evaluate(`(async () => { ${script} })()`);
      return result ?? null;
    } catch (error) {
      throw new Error(`${error.message}\nconsole:\n${log.join("\n")}`);
    }
  },
  /** Runs a script that leaves the page, and waits for the page that follows. */
  async leave({ page: id, script }) {
    const { page } = pages.get(id);
    const [response] = await Promise.all([page.waitForNavigation({ waitUntil: "load" }), page.evaluate(script)]);
    return { status: response.status(), body: await response.text() };
  },
  async screenshot({ page: id, path, width, height, dark }) {
    const { page } = pages.get(id);
    await page.bringToFront();
    await page.setViewport({ width, height });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
    await page.screenshot({ path, fullPage: true });
    return null;
  },
  async close({ profile }) {
    const context = profiles.get(profile);
    profiles.delete(profile);
    if (context) await (await context).close();
    return null;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, ...parameters } = JSON.parse(line);
  commands[command](parameters).then(
    (result) => console.log(JSON.stringify({ id, result })),
    (error) => console.log(JSON.stringify({ id, error: error.message })),
  );
}
await browser.close();
