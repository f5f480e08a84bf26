// The page: loads the file and the utterances that export.py wrote, runs what is chosen, draws it.

import "./levels.mjs";

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

const choice = document.getElementById("utterance");
const status = document.getElementById("status");

/** The speakers' probabilities for frames, a list of lists, and the milliseconds that they took. */
async function recognise(model, frames, length) {
  const features = frames[0].length;
  const data = new Float32Array(length * features); // zeros: what the mask leaves out
  data.set(frames.flat());
  const input = new Tensor(data, [1, length, features]);
  const begin = performance.now();
  const [output] = await model.run([input]);
  const scores = [...(await output.data())];
  const milliseconds = performance.now() - begin;
  input.delete();
  output.delete();
  return { scores, milliseconds };
}

function drawFrames(frames) {
  const canvas = document.getElementById("frames");
  canvas.width = frames.length;
  canvas.height = frames[0].length;
  const context = canvas.getContext("2d");
  const largest = Math.max(...frames.flat().map(Math.abs));
  frames.forEach((frame, t) =>
    frame.forEach((value, k) => {
      const share = Math.abs(value) / largest;
      context.fillStyle = `hsl(${value < 0 ? 215 : 15} 80% ${95 - 55 * share}%)`;
      context.fillRect(t, k, 1, 1);
    }),
  );
}

function drawScores(scores) {
  const best = scores.indexOf(Math.max(...scores));
  document.getElementById("speakers").replaceChildren(
    ...scores.map((score, k) => {
      const item = document.createElement("li");
      const [name, bar, share] = ["span", "div", "span"].map((tag) => document.createElement(tag));
      name.textContent = `speaker ${k + 1}`;
      bar.className = "bar";
      bar.append(document.createElement("div"));
      bar.firstChild.style.width = `${100 * score}%`;
      share.textContent = `${(100 * score).toFixed(1)} %`;
      if (k === best) item.className = "said";
      item.append(name, bar, share);
      return item;
    }),
  );
  return best;
}

async function main() {
  const { length, utterances } = await (await fetch("/files/utterances.json")).json();
  await loadLiteRt("/packages/@litertjs/core/wasm/");
  const model = await loadAndCompile("/files/speakers.tflite", { accelerator: "wasm" });
  utterances.forEach(({ frames, speaker }, k) =>
    choice.add(new Option(`${k + 1}: speaker ${speaker + 1}, ${frames.length} frames`, k)),
  );
  const show = async () => {
    const { frames, speaker, scores: expected } = utterances[choice.value];
    const { scores, milliseconds } = await recognise(model, frames, length);
    drawFrames(frames);
    const best = drawScores(scores);
    const gap = Math.max(...scores.map((score, k) => Math.abs(score - expected[k])));
    status.textContent =
      `Speaker ${best + 1}, ${best === speaker ? "as it was" : `but it was speaker ${speaker + 1}`}; ` +
      `${milliseconds.toFixed(1)} ms; largest difference from Keras ${gap.toExponential(1)}.`;
    status.dataset.gap = gap;
    status.dataset.shown = choice.value;
  };
  choice.addEventListener("change", show);
  choice.disabled = false;
  await show();
}

main().catch((error) => {
  status.textContent = `This does not run here: ${error.message}`;
  throw error;
});
