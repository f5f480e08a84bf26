"""The demo's recogniser for the browser: `python examples/browser/export.py`, after `make demo`.

LiteRT.js takes inputs of the file's own shape alone. So the file has the longest utterance's
length, shorter ones end in zeros, and a Masking layer in front of the same layers leaves these out.
Writes demo-output/browser/speakers.tflite and utterances.json, what the page loads.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np

import rnnlite

DATA = Path(__file__).parent.parent / "data" / "japanese_vowels.npz"
OUT = Path("demo-output")
EVERY = 12
"""Which of the test utterances go with the page."""


def masked(model):
    """The same layers, with the same weights, behind a Masking layer."""
    return keras.Sequential(
        [keras.Input((None, 12), name="frames"), keras.layers.Masking(), *model.layers]
    )


def export(model, folder):
    """Write the file and some test utterances with the model's own scores into a folder."""
    with np.load(DATA) as data:
        ends = np.cumsum(data["test_lengths"])
        utterances = np.split(data["test_x"], ends[:-1])
        speakers = data["test_y"].astype(int) - int(data["test_y"].min())
        length = int(max(data["train_lengths"].max(), data["test_lengths"].max()))
    folder.mkdir(parents=True, exist_ok=True)
    rnnlite.convert(masked(model), sequence_length=length).save(folder / "speakers.tflite")
    chosen = [
        {
            "speaker": int(speaker),
            "frames": frames.tolist(),
            # At the utterance's own length, without a mask.
            "scores": np.asarray(model(frames[None], training=False))[0].tolist(),
        }
        for frames, speaker in zip(utterances[::EVERY], speakers[::EVERY], strict=True)
    ]
    (folder / "utterances.json").write_text(json.dumps({"length": length, "utterances": chosen}))


if __name__ == "__main__":
    if not (OUT / "speakers.keras").exists():
        sys.exit(f"{OUT / 'speakers.keras'} is not there; make demo trains it")
    export(keras.saving.load_model(OUT / "speakers.keras"), OUT / "browser")
    print(f"wrote {OUT}/browser/speakers.tflite, {OUT}/browser/utterances.json")
