"""The same networks from PyTorch, ONNX and Keras: times of the files, and time to convert.

Each network is built in PyTorch, and again in Keras with its weights. Both are converted, and the
files run in turn on one thread. Prints medians, ratios to the file from Keras, and how many
TRANSPOSE ops each file has. Then the time of a fresh process that converts a two-layer BiLSTM
from PyTorch. `python sources.py 1` takes one second a case in place of four.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import torch
from speed.clock import medians
from speed.machine import _processor, vectors
from torch import nn

import rnnlite

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
LENGTHS = (32, 128, 512)
PROCESSES = 3

L = keras.layers


class Crnn(nn.Module):
    """A line of text (B, 1, 32, W): convolutions, a bidirectional layer, classes a column."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.second, self.third = nn.Conv2d(32, 64, 3, padding=1), nn.Conv2d(64, 64, 3, padding=1)
        self.rnn = nn.LSTM(64 * 4, 96, batch_first=True, bidirectional=True)
        self.out = nn.Linear(192, 40)

    def forward(self, image):
        """Classes (B, W / 4, 40)."""
        x = nn.functional.max_pool2d(torch.relu(self.norm(self.first(image))), 2)
        x = nn.functional.max_pool2d(torch.relu(self.second(x)), 2)
        x = nn.functional.max_pool2d(torch.relu(self.third(x)), (2, 1))
        return self.out(self.rnn(x.permute(0, 3, 1, 2).flatten(2))[0]).softmax(-1)

    def twin(self):
        """In Keras, channels last; its columns hold rows of channels, where PyTorch's hold
        channels of rows."""
        image = keras.Input((32, None, 1))
        layers = [L.Conv2D(n, 3, padding="same") for n in (32, 64, 64)]
        norm = L.BatchNormalization(epsilon=self.norm.eps)
        x = L.MaxPooling2D(2)(L.ReLU()(norm(layers[0](image))))
        x = L.MaxPooling2D(2)(L.ReLU()(layers[1](x)))
        x = L.MaxPooling2D((2, 1))(L.ReLU()(layers[2](x)))
        x = L.Reshape((-1, 4 * 64))(L.Permute((2, 1, 3))(x))
        rnn = L.Bidirectional(L.LSTM(96, return_sequences=True))
        out = L.Dense(40, activation="softmax")
        model = keras.Model(image, out(rnn(x)))
        for mine, theirs in zip(layers, (self.first, self.second, self.third), strict=True):
            mine.set_weights([array(theirs.weight).transpose(2, 3, 1, 0), array(theirs.bias)])
        norm.set_weights(normalization(self.norm))
        order = np.arange(256).reshape(64, 4).T.reshape(-1)
        rnn.set_weights(recurrent(self.rnn, 0, order))
        out.set_weights(dense(self.out))
        return model

    @staticmethod
    def inputs(rng, length):
        """As PyTorch takes them, and as Keras does."""
        x = rng.standard_normal((1, 1, 32, length)).astype(np.float32)
        return x, x.transpose(0, 2, 3, 1)


class CnnRnn(nn.Module):
    """Features (B, 40, T): convolutions over time, a GRU, classes of the last step."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv1d(40, 64, 5, padding=2), nn.BatchNorm1d(64)
        self.second = nn.Conv1d(64, 64, 3, padding=1)
        self.rnn = nn.GRU(64, 64, batch_first=True)
        self.out = nn.Linear(64, 10)

    def forward(self, features):
        """Classes (B, 10)."""
        x = nn.functional.max_pool1d(torch.relu(self.norm(self.first(features))), 2)
        x = torch.relu(self.second(x))
        return self.out(self.rnn(x.transpose(1, 2))[0][:, -1]).softmax(-1)

    def twin(self):
        """In Keras, channels last."""
        features = keras.Input((None, 40))
        layers = [L.Conv1D(64, n, padding="same") for n in (5, 3)]
        norm = L.BatchNormalization(epsilon=self.norm.eps)
        x = L.MaxPooling1D(2)(L.ReLU()(norm(layers[0](features))))
        rnn, out = L.GRU(64), L.Dense(10, activation="softmax")
        model = keras.Model(features, out(rnn(L.ReLU()(layers[1](x)))))
        for mine, theirs in zip(layers, (self.first, self.second), strict=True):
            mine.set_weights([array(theirs.weight).transpose(2, 1, 0), array(theirs.bias)])
        norm.set_weights(normalization(self.norm))
        rnn.set_weights(recurrent(self.rnn, 0))
        out.set_weights(dense(self.out))
        return model

    @staticmethod
    def inputs(rng, length):
        """As PyTorch takes them, and as Keras does."""
        x = rng.standard_normal((1, 40, length)).astype(np.float32)
        return x, x.transpose(0, 2, 1)


class Stack(nn.Module):
    """Two bidirectional layers, classes a step."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(40, 64, num_layers=2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(128, 10)

    def forward(self, frames):
        """Classes (B, T, 10)."""
        return self.out(self.rnn(frames)[0])

    def twin(self):
        """In Keras."""
        frames = keras.Input((None, 40))
        layers = [L.Bidirectional(L.LSTM(64, return_sequences=True)) for _ in range(2)]
        out = L.Dense(10)
        model = keras.Model(frames, out(layers[1](layers[0](frames))))
        for k, layer in enumerate(layers):
            layer.set_weights(recurrent(self.rnn, k))
        out.set_weights(dense(self.out))
        return model

    @staticmethod
    def inputs(rng, length):
        """The same for both."""
        x = rng.standard_normal((1, length, 40)).astype(np.float32)
        return x, x


def array(tensor):
    """The numbers of a tensor."""
    return tensor.detach().numpy()


def dense(layer):
    """Weights of a Dense from those of a Linear."""
    return [array(layer.weight).T, array(layer.bias)]


def normalization(layer):
    """Weights of a BatchNormalization."""
    names = ("weight", "bias", "running_mean", "running_var")
    return [array(getattr(layer, n)) for n in names]


def recurrent(layer, number, order=None):
    """Weights of a Keras layer, of each direction, from layer `number` of a PyTorch one.

    Args:
        order: of the features.
    """
    found = []
    for end in ("", "_reverse") if layer.bidirectional else ("",):
        w, u, b, rb = (
            gates(layer, array(getattr(layer, f"{n}_l{number}{end}")))
            for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        kernel = w.T if order is None else w.T[order]
        found += [kernel, u.T, np.stack([b, rb]) if isinstance(layer, nn.GRU) else b + rb]
    return found


def gates(layer, weights):
    """The gates of a GRU in the order of Keras: z, r, h."""
    if not isinstance(layer, nn.GRU):
        return weights
    r, z, h = np.split(weights, 3)
    return np.concatenate([z, r, h])


def randomized(make):
    """A module with weights and statistics that are not those of the start."""
    torch.manual_seed(0)
    module = make().eval()
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    return module


def from_onnx(module, name, axis):
    """The file of a module that was exported with a free axis."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, f"{name}.onnx")
        torch.onnx.export(
            module,
            (torch.from_numpy(module.inputs(rng, 64)[0]),),
            str(path),
            dynamo=False,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": {0: "batch", axis: "time"}},
        )
        return rnnlite.convert(path)


def compare(title, module, theirs):
    """Print one line a length: time of a run of each file, and the ratio."""
    rng = np.random.default_rng(1)
    keras_file = rnnlite.convert(module.twin())
    first, second = rnnlite.load(theirs.tflite), rnnlite.load(keras_file.tflite)
    counts = [f.report.ops.get("TRANSPOSE", 0) for f in (theirs, keras_file)]
    for length in LENGTHS:
        a, b = module.inputs(rng, length)
        (x,), (y,) = first.run([a]), second.run([b])
        difference = float(np.abs(x - y).max() / np.abs(y).max())
        assert difference < 1e-4, difference
        found = medians(
            {"theirs": lambda a=a: first.run([a]), "keras": lambda b=b: second.run([b])},
            seconds=SECONDS,
            rounds=(15, 2000),
        )
        ms = [1e3 * found[n] for n in ("theirs", "keras")]
        print(
            f"{title:28} {length:6}  {ms[0]:8.3f}  {ms[1]:8.3f}  {ms[0] / ms[1]:5.2f}"
            f"  {counts[0]:3} {counts[1]:3}  {difference:.0e}",
            flush=True,
        )


CONVERSION = """
import torch
import rnnlite
rnn = torch.nn.LSTM(40, 64, num_layers=2, batch_first=True, bidirectional=True).eval()
rnnlite.convert(rnn, example=torch.zeros(2, 20, 40))
"""


def conversion():
    """Seconds of a fresh process that converts two layers from PyTorch."""
    timings = []
    for _ in range(PROCESSES):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", CONVERSION], check=True)
        timings.append(time.perf_counter() - begin)
    return statistics.median(timings)


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    print(f"{_processor()} ({vectors()}), one thread; medians, milliseconds a run, batch 1")
    print(f"{'network':28} length     theirs     Keras  ratio  TRANSPOSE  difference")
    crnn, cnn, stack = (randomized(m) for m in (Crnn, CnnRnn, Stack))
    compare("CRNN from ONNX", crnn, from_onnx(crnn, "crnn", 3))
    compare("1-D CNN, GRU from ONNX", cnn, from_onnx(cnn, "cnn", 2))
    compare(
        "two BiLSTM from PyTorch", stack, rnnlite.convert(stack, example=torch.zeros(2, 20, 40))
    )
    print(f"two BiLSTM from PyTorch, converted by a fresh process: {conversion():.1f} s")
