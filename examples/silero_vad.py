"""Silero VAD, a published voice detector, as a LiteRT file that runs live beside ONNX Runtime.

    pip install 'rnnlite[convert,onnx]' && pip download --no-deps silero-vad
    python examples/silero_vad.py silero_vad-*.whl

The model (MIT, https://github.com/snakers4/silero-vad) comes in the wheel `silero-vad`. It takes
chunks of 512 samples at 16 kHz, each behind the last 64 of the chunk before, and gives the
probability of speech and a state for the next chunk. The signal is made here: tones that come and
go in noise.
"""

import argparse
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime as ort

import rnnlite

RATE, CHUNK, CONTEXT = 16000, 512, 64
NAME = "silero_vad/data/silero_vad_16k_op15.onnx"


def signal(seconds, seed=0):
    """Bursts of a voice-like tone with harmonics, in noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    there = np.sin(2 * np.pi * 0.4 * t) > 0
    return (0.1 * voice * there + 0.01 * rng.normal(size=len(t))).astype("float32")


def chunks(wave):
    """Each chunk behind the end of the one before, as the model wants them."""
    before = np.zeros(CONTEXT, "float32")
    for k in range(0, len(wave) - CHUNK + 1, CHUNK):
        part = wave[k : k + CHUNK]
        yield np.concatenate([before, part])[None]
        before = part[-CONTEXT:]


def run(step, wave):
    """Probabilities, and microseconds a chunk (median)."""
    state, found, times = np.zeros((2, 1, 128), "float32"), [], []
    for chunk in chunks(wave):
        begin = time.perf_counter()
        probability, state = step(chunk, state)
        times.append(time.perf_counter() - begin)
        found.append(float(np.ravel(probability)[0]))
    return np.array(found), 1e6 * float(np.median(times))


def main(wheel, seconds=60):
    """Print the largest difference and the time a chunk of both runtimes."""
    folder = Path(tempfile.mkdtemp())
    with zipfile.ZipFile(wheel) as archive:
        path = Path(archive.extract(NAME, folder))
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    converted = rnnlite.convert(
        path, constants={"sr": RATE}, sequence_length=CHUNK + CONTEXT, outputs=["output", "stateN"]
    )
    lite = rnnlite.load(converted.save(folder / "vad.tflite"))
    rate = np.array(RATE)
    wave = signal(seconds)
    wanted, theirs = run(
        lambda x, s: session.run(["output", "stateN"], {"input": x, "state": s, "sr": rate}), wave
    )
    found, ours = run(lambda x, s: lite.run([x, s]), wave)
    difference = float(np.abs(found - wanted).max())
    print(f"{len(found)} chunks; largest difference of a probability {difference:.1e}")
    print(f"microseconds a chunk: rnnlite {ours:.0f}, ONNX Runtime {theirs:.0f}")
    return difference, ours, theirs


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wheel", help="silero_vad-*.whl")
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    main(given.wheel, given.seconds)
