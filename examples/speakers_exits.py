"""Who speaks, said as soon as it is sure? A model of two exits on the demo's utterances.

Trains a small GRU with an answer of its own in front of a larger bidirectional one, converts both
into one file with exits, and lets each utterance leave by the first exit that is sure enough. Draws
accuracy, cost and the share of early answers against the threshold: demo-output/exits.png.
"""

import time

import keras
import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from speakers import OUT, train, vowels

import rnnlite
from rnnlite.report.rendering import table

THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 1.01)
"""From the first exit for all to the last for all."""

ROUNDS = 3
console = Console(width=100)


def build():
    """A small recurrence that answers, and a large one behind it that answers better."""
    keras.utils.set_random_seed(7)
    frames = keras.Input((None, 12), name="frames")
    x = keras.layers.GaussianNoise(0.1)(frames)
    x = keras.layers.GRU(12, return_sequences=True, name="small")(x)
    early = keras.layers.GlobalAveragePooling1D()(x)
    early = keras.layers.Dense(9, activation="softmax", name="early")(early)
    late = keras.layers.Bidirectional(keras.layers.GRU(96, name="large"))(x)
    late = keras.layers.Dropout(0.5)(late)
    late = keras.layers.Dense(9, activation="softmax", name="late")(late)
    return keras.Model(frames, [early, late], name="speakers_exits")


def measure(lite, sequences, labels, threshold):
    """Accuracy, microseconds an utterance (the median of a few rounds), shares of the exits."""
    rounds = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        found = lite.predict_early(sequences, threshold)
        rounds.append(1e6 * (time.perf_counter() - begin) / len(sequences))
    right = np.array([y.argmax() for y in found.outputs]) == labels
    return float(right.mean()), float(np.median(rounds)), found.shares


def picture(rows, names, path):
    """Accuracy and cost above, shares of the exits below, against the threshold."""
    # The ends stand for "always the first" and "never before the last".
    x = np.clip([threshold for threshold, *_ in rows], 0.2, 1.0)
    figure, (above, below) = plt.subplots(2, 1, figsize=(6.4, 6), sharex=True, layout="constrained")
    lines = above.plot(x, [100 * row[1] for row in rows], "o-", label="accuracy, %")
    above.set(ylabel="accuracy, %", title="An early answer where it is sure")
    cost = above.twinx()
    whole = rows[-1][2]
    lines += cost.plot(x, [row[2] / whole for row in rows], "s--", color="C1", label="cost")
    cost.set(ylabel="cost, 1 = all exits", ylim=(0, None))
    above.legend(handles=lines, loc="lower right")
    shares = [[100 * row[3][name] for row in rows] for name in names]
    below.stackplot(x, shares, labels=[f"'{name}'" for name in names], alpha=0.7)
    below.set(xlabel="threshold", ylabel="answers by exit, %", ylim=(0, 100))
    below.legend(loc="center left")
    for axes in (above, below):
        axes.grid(True, alpha=0.3)
    figure.savefig(path, dpi=150)


def main(epochs=30):
    """Train, convert, try thresholds."""
    OUT.mkdir(exist_ok=True)
    (train_x, train_y), (test_x, test_y) = vowels()
    model = build()
    train(model, train_x, train_y, epochs)
    converted = rnnlite.convert(model, exits=True)
    lite = rnnlite.load(converted.save(OUT / "speakers-exits.tflite"))
    names = [one.output for one in lite.exits]
    lite.predict_early(test_x, 1.01)
    rows = [(t, *measure(lite, test_x, test_y, t)) for t in THRESHOLDS]
    picture(rows, names, OUT / "exits.png")
    console.print(
        table(
            "Exits: " + ", ".join(f"'{one.output}' of {one.ops} ops" for one in lite.exits),
            ["threshold", "accuracy %", "us an utterance", *(f"by '{name}' %" for name in names)],
            [
                [t, round(100 * right, 2), round(cost, 1), *(round(100 * s[n], 1) for n in names)]
                for t, right, cost, s in rows
            ],
        )
    )
    console.print(f"wrote {OUT}/speakers-exits.tflite, {OUT}/exits.png")
    return rows


if __name__ == "__main__":
    main()
