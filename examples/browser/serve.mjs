// Serve folders on localhost: `node serve.mjs [PORT]` for the page in this folder.
//
// What LiteRT.js asks of a server: the MIME type of WebAssembly, and for its threads the two headers
// that isolate a page from other origins.

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = join(HERE, "..", "..");
export const PACKAGES = join(ROOT, ".browser", "node_modules");

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".tflite": "application/octet-stream",
};

/**
 * Serve on 127.0.0.1.
 *
 * @param {Object<string, string>} folders a folder for each first part of a path; "" is any other.
 * @param {number} port 0: one that is free.
 * @returns {Promise<import("node:http").Server>} listening.
 */
export function serve(folders, port = 0) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const [, first, ...rest] = path.split("/");
    const [folder, name] =
      first in folders ? [folders[first], rest.join("/")] : [folders[""], path.slice(1)];
    const file = folder && normalize(join(folder, name || "index.html"));
    if (!file || !file.startsWith(normalize(folder + sep)) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
      "Cache-Control": "no-cache",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    createReadStream(file).pipe(response);
  });
  return new Promise((done, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", () => done(server));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folders = { "": HERE, packages: PACKAGES, files: join(ROOT, "demo-output", "browser") };
  const server = await serve(folders, Number(process.argv[2] ?? 8000));
  console.log(`http://localhost:${server.address().port}/ (Ctrl-C ends)`);
}
