// Read a LiteRT file as Netron does: `node netron.mjs FOLDER FILE`, FOLDER being that of its package.
//
// Writes JSON: {"format", "graphs": [{"name", "inputs", "outputs", "nodes": [type], "tensors": [name]}]}.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [, , folder, file] = process.argv;
const part = (name) => import(pathToFileURL(join(folder, name)));
const { ModelFactory } = await part("tflite.js");
const { BinaryReader } = await part("flatbuffers.js");
const { BinaryStream } = await part("base.js");

const stream = new BinaryStream(readFileSync(file));
const known = JSON.parse(readFileSync(join(folder, "tflite-metadata.json")));
const context = {
  identifier: file,
  stream,
  peek: async (kind) => (kind === "flatbuffers.binary" ? BinaryReader.open(stream) : null),
  set(type, value) {
    Object.assign(this, { type, value });
    return type;
  },
  require: (name) => part(`${name}.js`),
  metadata: async () => ({
    type: (name) => known.find((each) => each.name === name) ?? { name },
    attribute: () => null,
  }),
};
const factory = new ModelFactory();
if (!(await factory.match(context))) throw new Error("no LiteRT file");
const model = await factory.open(context);
const names = (ends) => ends.map((end) => end.name);
const graphs = model.modules.map((graph) => ({
  name: graph.name,
  inputs: names(graph.inputs),
  outputs: names(graph.outputs),
  nodes: graph.nodes.map((node) => node.type.name),
  tensors: graph.nodes.flatMap((node) => node.outputs.flatMap((o) => o.value.map((v) => v.name))),
}));
console.log(JSON.stringify({ format: model.format, graphs }));
