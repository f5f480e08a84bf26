"""Who speaks? A recurrent Keras model on utterances of 7 to 29 frames, from training to LiteRT.

Trains a bidirectional GRU on Japanese Vowels at the utterances' own lengths, saves it, converts it
in float32 and in four quantizations, checks each, runs all test utterances through the LiteRT
models, prints one table, draws one picture. Everything is written to the folder demo-output.
"""

import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import matplotlib
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import track

import rnnlite
from rnnlite.report.rendering import table
from rnnlite.runtime.quantized import quantize

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
OUT = Path("demo-output")
EPOCHS = 40
BATCH = 16
LENGTHS = (10, 30, 100, 300, 1000)
MODES = (None, "float16", "dynamic", "int8", "int16x8")
CALIBRATION = 100
console = Console(width=100)


def utterances(data, part):
    """The utterances of one part, each (T, 12), and their speakers, 0 to 8."""
    ends = np.cumsum(data[f"{part}_lengths"])
    labels = data[f"{part}_y"].astype(np.int64)
    return np.split(data[f"{part}_x"], ends[:-1]), labels - labels.min()


def vowels():
    """Sequences and labels to train on, and to test on."""
    with np.load(HERE / "data" / "japanese_vowels.npz") as data:
        return utterances(data, "train"), utterances(data, "test")


def build():
    """The recogniser, untrained."""
    keras.utils.set_random_seed(7)
    return keras.Sequential(
        [
            keras.Input((None, 12), name="frames"),
            keras.layers.GaussianNoise(0.1),
            keras.layers.Bidirectional(keras.layers.GRU(48, name="gru")),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(9, activation="softmax", name="speaker"),
        ],
        name="speakers",
    )


def train(model, sequences, labels, epochs=EPOCHS):
    """Fit on batches of utterances of one length: no padding, no mask. Outputs share the labels."""
    rng = np.random.default_rng(7)
    lengths = np.array([len(s) for s in sequences])
    groups = [np.flatnonzero(lengths == length) for length in np.unique(lengths)]
    steps = epochs * sum(-(-len(group) // BATCH) for group in groups)
    rate = keras.optimizers.schedules.CosineDecay(5e-3, steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-2)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    targets = np.eye(9, dtype=np.float32)[labels]

    @tf.function(reduce_retracing=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            value = sum(loss(y, found) for found in tf.nest.flatten(model(x, training=True)))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    for _ in track(range(epochs), description="training", console=console):
        batches = []
        for group in groups:
            members = rng.permutation(group)
            batches += [members[k : k + BATCH] for k in range(0, len(members), BATCH)]
        for k in rng.permutation(len(batches)):
            members = batches[k]
            step(
                tf.constant(np.stack([sequences[m] for m in members])),
                tf.constant(targets[members]),
            )


def milliseconds(function, inputs):
    """Median time of a call over the inputs, after each was seen once."""
    for x in inputs:
        function(x)
    timings = []
    for x in inputs:
        begin = time.perf_counter()
        function(x)
        timings.append(1000 * (time.perf_counter() - begin))
    return float(np.median(timings))


def picture(source, lite, path):
    """Latency against length, source and LiteRT, one sequence at a time."""
    rng = np.random.default_rng(0)
    curves = {"Keras (compiled)": [], "LiteRT": []}
    for length in track(LENGTHS, description="timing", console=console):
        inputs = [rng.standard_normal((1, length, 12)).astype(np.float32) for _ in range(9)]
        curves["Keras (compiled)"].append(milliseconds(source, [tf.constant(x) for x in inputs]))
        curves["LiteRT"].append(milliseconds(lambda x: lite.run([x]), inputs))
    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    for name, values in curves.items():
        axes.loglog(LENGTHS, values, marker="o", label=name)
    axes.set(xlabel="frames", ylabel="milliseconds a sequence", title="Bidirectional GRU, 48 units")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)


def main():
    """The whole way, with a table at the end."""
    OUT.mkdir(exist_ok=True)
    (train_x, train_y), (test_x, test_y) = vowels()
    model = build()
    train(model, train_x, train_y)
    model.save(OUT / "speakers.keras")

    compiled = tf.function(lambda x: model(x, training=False), reduce_retracing=True)
    expected = np.stack(
        [
            compiled(tf.constant(x[None]))[0].numpy()
            for x in track(test_x, description="source", console=console)
        ]
    )
    tensors = [tf.constant(x[None]) for x in test_x]
    size = (OUT / "speakers.keras").stat().st_size
    rows = [row("Keras (compiled)", expected, expected, test_y, size, compiled, tensors)]

    calibration = train_x[:: max(len(train_x) // CALIBRATION, 1)]
    for mode in MODES:
        converted = rnnlite.convert(
            OUT / "speakers.keras", quantize=mode, calibration=calibration if mode else None
        )
        name = f"speakers-{mode or 'float32'}.tflite"
        converted.save(OUT / name)
        if mode in (None, "int8"):
            console.print(str(converted.report), highlight=False)
            console.print()
        lite = rnnlite.load(OUT / name)
        found = lite.predict(test_x)
        inputs = [quantize(x[None], lite.inputs[0]) for x in test_x]
        size = (OUT / name).stat().st_size
        rows.append(
            row(
                f"LiteRT {mode or 'float32'}",
                found,
                expected,
                test_y,
                size,
                lambda x, lite=lite: lite.run([x]),
                inputs,
            )
        )
    picture(compiled, rnnlite.load(OUT / "speakers-float32.tflite"), OUT / "latency.png")
    console.print(
        table(
            f"{len(test_x)} test utterances of {min(map(len, test_x))} to "
            f"{max(map(len, test_x))} frames",
            [
                "model",
                "accuracy %",
                "RMS error %",
                "largest difference",
                "kB",
                "ms an utterance",
            ],
            rows,
        )
    )
    console.print(f"\nwrote {OUT}/speakers.keras, {OUT}/speakers-*.tflite, {OUT}/latency.png")


def row(name, found, expected, labels, size, function, inputs):
    """One line of the last table."""
    error = np.sqrt(np.mean(np.square(found - expected)) / np.mean(np.square(expected)))
    return [
        name,
        round(100 * float(np.mean(found.argmax(1) == labels)), 2),
        round(100 * float(error), 3),
        float(np.abs(found - expected).max()),
        round(size / 1000, 1),
        round(milliseconds(function, inputs), 3),
    ]


if __name__ == "__main__":
    main()
