"""A bidirectional LSTM of PyTorch that tells speakers, as a LiteRT file: trained, converted, run.

    pip install 'rnnlite[convert,torch]' && python examples/torch_speakers.py

Data: Japanese Vowels (examples/data/README.md), utterances of 7 to 29 frames.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

import rnnlite

DATA = Path(__file__).parent / "data/japanese_vowels.npz"


def utterances(part):
    """The frames of each utterance, and its speaker."""
    with np.load(DATA) as data:
        ends = np.cumsum(data[f"{part}_lengths"])[:-1]
        return np.split(data[f"{part}_x"].astype("float32"), ends), data[f"{part}_y"]


class Speaker(nn.Module):
    """Scores of nine speakers, from the mean of a bidirectional LSTM over time."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(12, 32, batch_first=True, bidirectional=True)
        self.out = nn.Linear(64, 9)

    def forward(self, frames):
        """(B, T, 12) to (B, 9)."""
        return torch.softmax(self.out(self.rnn(frames)[0].mean(1)), -1)


def train(module, samples, speakers, epochs):
    """Train on utterances of like length, so that no padding is needed."""
    optimizer = torch.optim.Adam(module.parameters(), 3e-3)
    by_length = {}
    for frames, speaker in zip(samples, speakers, strict=True):
        by_length.setdefault(len(frames), []).append((torch.from_numpy(frames), int(speaker)))
    for _ in range(epochs):
        for batch in by_length.values():
            x = pad_sequence([frames for frames, _ in batch], batch_first=True)
            y = torch.tensor([speaker for _, speaker in batch])
            optimizer.zero_grad()
            nn.functional.nll_loss(torch.log(module(x) + 1e-9), y).backward()
            optimizer.step()


def main(epochs=40):
    """Print the accuracy of the module and of both files."""
    torch.manual_seed(0)
    samples, speakers = utterances("train")
    tests, wanted = utterances("test")
    module = Speaker()
    train(module, samples, speakers, epochs)

    module.eval()
    example = torch.zeros(1, 20, 12)
    converted = rnnlite.convert(module, example=example)
    small = rnnlite.convert(module, example=example, quantize="int8", calibration=samples[:100])
    folder = Path(tempfile.mkdtemp())
    files = {"float32": converted.save(folder / "speaker.tflite")}
    files["int8"] = small.save(folder / "small.tflite")

    with torch.no_grad():
        own = [int(module(torch.from_numpy(x[None])).argmax()) for x in tests]
    found = {"PyTorch": float(np.mean(np.array(own) == wanted))}
    for name, path in files.items():
        scores = rnnlite.load(path).predict(tests)
        found[name] = float(np.mean(scores.argmax(1) == wanted))
    for name, accuracy in found.items():
        size = f"{files[name].stat().st_size / 1e3:6.1f} kB" if name in files else ""
        print(f"{name:8} {100 * accuracy:5.1f} % {size}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=40)
    main(parser.parse_args().epochs)
