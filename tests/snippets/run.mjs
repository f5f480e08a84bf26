// Run a program of ours on LiteRT.js: `node run.mjs CHROMIUM FOLDER`, with FOLDER/program.mjs, FOLDER/model.tflite
// and FOLDER/jobs.json, {"whole": values by name, "early": such for the exits, "chunks": [values by name]}. Writes FOLDER/results.json.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { launch, open } from "../../benchmarks/runtimes/chromium.mjs";
import { PACKAGES, serve } from "../../examples/browser/serve.mjs";

const [, , executablePath, folder] = process.argv;
const imports = {
  "@litertjs/core": "/packages/@litertjs/core/dist/index.js",
  "@litertjs/wasm-utils": "/packages/@litertjs/wasm-utils/dist/index.js",
};
writeFileSync(
  join(folder, "index.html"),
  `<!doctype html><link rel="icon" href="data:,"><script type="importmap">${JSON.stringify({ imports })}</script>
  <script type="module">import "/example/levels.mjs"; import * as program from "/program.mjs"; window.program = program;</script>`,
);
const example = fileURLToPath(new URL("../../examples/browser", import.meta.url));
const server = await serve({ "": folder, example, packages: PACKAGES });
const browser = await launch(executablePath);
try {
  const { page, errors } = await open(browser, `http://localhost:${server.address().port}/`);
  await page.waitForFunction(() => window.program);
  const jobs = JSON.parse(readFileSync(join(folder, "jobs.json")));
  const found = await page.evaluate(async ({ whole, early, chunks }) => {
    const plain = (values) => Object.fromEntries(Object.entries(values).map(([n, v]) => [n, [...v]]));
    const model = await program.load("/packages/@litertjs/core/wasm/", "/model.tflite");
    const results = { chunks: [] };
    if (whole) results.whole = plain(await program.run(model, whole));
    if (early) {
      results.early = [];
      for (const sure of [true, false]) {
        const { key, outputs } = await program.runEarly(model, early, () => sure);
        results.early.push([key, plain(outputs)]);
      }
    }
    const feed = program.stream?.(model);
    for (const chunk of chunks) results.chunks.push(plain(await feed(chunk)));
    if (feed?.finish) for (const chunk of await feed.finish()) results.chunks.push(plain(chunk));
    return results;
  }, jobs);
  writeFileSync(join(folder, "results.json"), JSON.stringify({ ...found, errors }));
} finally {
  await browser.close();
  server.close();
}
