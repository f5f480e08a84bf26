// Run LiteRT files on LiteRT.js in headless Chromium: `node browser.mjs CHROMIUM JOBS.json RESULTS.json`.
//
// JOBS.json: a list of {"model": name of a file beside JOBS.json, "runs": [{"signature": name or "",
// "inputs": {input name: tensor}}]}, where a tensor is {"dtype", "shape", "data": flat list}. RESULTS.json:
// for each job {"runs": [{output name: tensor}], "errors": lines of the console} or {"failed": "load" or
// "run", "detail": text, "errors"}. After a failure the next job has a new page, so that one that ends
// its page is a result like any other.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { PACKAGES, serve } from "../../examples/browser/serve.mjs";
import { launch, open } from "./chromium.mjs";

const [, , executablePath, jobs, results] = process.argv;
const here = fileURLToPath(new URL(".", import.meta.url));
const example = fileURLToPath(new URL("../../examples/browser", import.meta.url));
const folders = { "": here, example, packages: PACKAGES, files: dirname(jobs) };
const server = await serve(folders);
const browser = await launch(executablePath);
try {
  const found = [];
  let tab = null;
  for (const { model, runs } of JSON.parse(readFileSync(jobs))) {
    if (tab === null) {
      tab = await open(browser, `http://localhost:${server.address().port}/browser.html`);
      await tab.page.waitForFunction(() => window.run);
    }
    const result = await tried(tab, model, runs);
    found.push(result);
    if (result.failed) {
      await tab.page.close();
      tab = null;
    }
  }
  writeFileSync(results, JSON.stringify(found));
} finally {
  await browser.close();
  server.close();
}

async function tried({ page, errors }, model, runs) {
  errors.length = 0;
  try {
    const call = page.evaluate(([url, todo]) => window.run(url, todo), [`/files/${model}`, runs]);
    return { runs: await call, errors: [...errors] };
  } catch (error) {
    const loaded = await page.evaluate(() => window.loaded).catch(() => true);
    return { failed: loaded ? "run" : "load", detail: String(error.message), errors: [...errors] };
  }
}
