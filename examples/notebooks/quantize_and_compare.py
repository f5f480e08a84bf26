# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Quantize, and see what it costs
#
# The same network in four precisions: size, error by length, and which samples change their class.
#
# `pip install 'rnnlite[convert]'`

# %%
import keras
import numpy as np

import rnnlite

rng = np.random.default_rng(0)


def make(count):
    """Noisy sines of three frequencies, 20 to 80 time steps of 2 features, and which it is."""
    sequences, labels = [], []
    for _ in range(count):
        label, steps = int(rng.integers(3)), int(rng.integers(20, 81))
        phase = rng.uniform(0, 6) + (0.2, 0.5, 0.9)[label] * np.arange(steps)
        wave = np.stack([np.sin(phase), np.cos(phase)], axis=1)
        sequences.append((wave + 0.5 * rng.normal(size=wave.shape)).astype("float32"))
        labels.append(label)
    return sequences, np.array(labels)


train, train_labels = make(600)
test, test_labels = make(200)


def padded(sequences):
    return keras.utils.pad_sequences(sequences, dtype="float32", value=-99.0)


keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((None, 2), name="wave"),
        keras.layers.Masking(-99.0),
        keras.layers.LSTM(32),
        keras.layers.Dense(3, activation="softmax", name="frequency"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(padded(train), train_labels, epochs=10, verbose=0)

# %% [markdown]
# ## Four precisions
#
# Integers learn the ranges of all tensors from calibration data: a hundred typical sequences.

# %%
files = {"float32": rnnlite.convert(model).save("float32.tflite")}
reports = {}
for mode in ("float16", "dynamic", "int8", "int16x8"):
    made = rnnlite.convert(model, quantize=mode, calibration=train[:100])
    files[mode] = made.save(f"{mode}.tflite")
    reports[mode] = made.report.quantization

{mode: (files[mode].stat().st_size, r.accuracy[0].rms_error) for mode, r in reports.items()}

# %% [markdown]
# How the error grows with length:

# %%
{mode: r.accuracy[0].by_length for mode, r in reports.items()}

# %% [markdown]
# What was tried for int8, each with its error and size:

# %%
[(t.name, t.error, t.size) for t in reports["int8"].trials]

# %% [markdown]
# ## On labelled data, against float32

# %%
found = rnnlite.evaluate("int8.tflite", test, test_labels, against="float32.tflite", worst=5)
found

# %%
accuracy = found.scores.accuracy
changed = 1 - found.agreement.same_class
accuracy, changed

# %% [markdown]
# The samples on which both differ most:

# %%
found.worst
