// Headless Chromium by playwright-core, with nothing of its own on the network.

import { createRequire } from "node:module";
import { join } from "node:path";

import { PACKAGES } from "../../examples/browser/serve.mjs";

const { chromium } = createRequire(join(PACKAGES, "_"))("playwright-core");
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const PATIENCE = 120_000; // milliseconds, on a busy machine

/** A browser; each launch gets a new, empty user data directory. */
export const launch = (executablePath) =>
  chromium.launch({ executablePath, headless: true, args: FLAGS, timeout: PATIENCE });

/** A page, and the errors that it has said so far. */
export async function open(browser, url, options = {}) {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(PATIENCE);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (line) => line.type() === "error" && errors.push(line.text()));
  await page.goto(url);
  return { page, errors };
}
