// Look at examples/browser: `node page.mjs CHROMIUM FOLDER`, FOLDER being what export.py wrote.
//
// Runs the first utterances at the widths of a telephone and a desk; writes FOLDER/page.json, a list of
// {"width", "scroll": the width that the page takes, "gaps": differences from Keras, "status": text,
// "errors": lines of the console}, and a picture for each, FOLDER/page-WIDTH.png.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { PACKAGES, serve } from "../../examples/browser/serve.mjs";
import { launch, open } from "./chromium.mjs";

const SHOWN = 5;

const [, , executablePath, folder] = process.argv;
const example = fileURLToPath(new URL("../../examples/browser", import.meta.url));
const server = await serve({ "": example, packages: PACKAGES, files: folder });
const browser = await launch(executablePath);
try {
  const found = [];
  for (const width of [390, 1280]) {
    const url = `http://localhost:${server.address().port}/`;
    const { page, errors } = await open(browser, url, { viewport: { width, height: 844 } });
    const gaps = [];
    for (let k = 0; k < SHOWN; k++) {
      await page.waitForFunction(() => !document.getElementById("utterance").disabled);
      await page.selectOption("#utterance", String(k));
      await page.waitForFunction((n) => document.getElementById("status").dataset.shown === n, String(k));
      gaps.push(Number(await page.locator("#status").getAttribute("data-gap")));
    }
    await page.screenshot({ path: join(folder, `page-${width}.png`), fullPage: true });
    const scroll = await page.evaluate(() => document.documentElement.scrollWidth);
    found.push({ width, scroll, gaps, status: await page.locator("#status").textContent(), errors });
    await page.close();
  }
  writeFileSync(join(folder, "page.json"), JSON.stringify(found));
} finally {
  await browser.close();
  server.close();
}
