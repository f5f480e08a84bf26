// Look at pages: `node look.mjs CHROMIUM FOLDER` opens each FOLDER/*.html at the widths of a telephone and a
// desk, in light and dark.
//
// Writes FOLDER/looks.json, a list of {"page", "width", "scheme", "scroll": the width that the page takes,
// "wide": elements that stand out of it, "requests": addresses asked for, "errors": lines of the console}, and
// a picture for each, FOLDER/PAGE-SCHEME-WIDTH.png.

import { readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { launch, PATIENCE } from "./chromium.mjs";

const [, , executablePath, folder] = process.argv;
const browser = await launch(executablePath);
try {
  const found = [];
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".html")).sort()) {
    for (const scheme of ["light", "dark"]) {
      for (const width of [390, 1280]) {
        found.push(await look(name, scheme, width));
      }
    }
  }
  writeFileSync(join(folder, "looks.json"), JSON.stringify(found));
} finally {
  await browser.close();
}

async function look(name, scheme, width) {
  const page = await browser.newPage({ viewport: { width, height: 844 }, colorScheme: scheme });
  page.setDefaultTimeout(PATIENCE);
  const errors = [];
  const requests = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (line) => errors.push(line.text()));
  page.on("dialog", (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => requests.push(request.url()));
  const url = pathToFileURL(resolve(folder, name)).href;
  await page.goto(url);
  const scroll = await page.evaluate(() => document.documentElement.scrollWidth);
  // What scrolls by itself may be wide within.
  const wide = await page.evaluate(() =>
    [...document.querySelectorAll("main *")]
      .filter((e) => !e.closest(".wide *") && e.getBoundingClientRect().right > innerWidth + 0.5)
      .map((e) => e.tagName),
  );
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.screenshot({ path: join(folder, `${name}-${scheme}-${width}.png`), fullPage: true });
  await page.close();
  const asked = requests.filter((address) => address !== url);
  return { page: name, width, scheme, scroll, wide, background, requests: asked, errors };
}
