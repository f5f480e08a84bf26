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
# # From a trained recurrent network to a LiteRT file
#
# A bidirectional GRU tells nine speakers by two Japanese vowels: utterances of 7 to 29 frames with
# 12 coefficients each (Japanese Vowels, UCI, CC BY 4.0). It becomes a LiteRT file of builtin ops
# that takes any length, is compared with the model it came from, and runs without TensorFlow.
#
# `pip install 'rnnlite[convert]' matplotlib`

# %%
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np

import rnnlite

folder = next(f for f in (Path(), *Path.cwd().parents) if (f / "examples/data").is_dir())
data = np.load(folder / "examples/data/japanese_vowels.npz")


def utterances(part):
    """The frames of each utterance, and its speaker."""
    ends = np.cumsum(data[f"{part}_lengths"])[:-1]
    return np.split(data[f"{part}_x"].astype("float32"), ends), data[f"{part}_y"]


train, train_speakers = utterances("train")
test, test_speakers = utterances("test")
len(train), len(test), train[0].shape

# %% [markdown]
# ## Train
#
# Keras wants one length a batch, so utterances are padded; `Masking` leaves the padding out.

# %%
PADDING = -100.0


def padded(sequences):
    return keras.utils.pad_sequences(sequences, dtype="float32", padding="post", value=PADDING)


keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((None, 12), name="frames"),
        keras.layers.Masking(PADDING),
        keras.layers.Bidirectional(keras.layers.GRU(32)),
        keras.layers.Dense(9, activation="softmax", name="speaker"),
    ]
)
model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(padded(train), train_speakers, batch_size=16, epochs=20, verbose=0)
model.evaluate(padded(test), test_speakers, verbose=0)

# %% [markdown]
# ## Convert
#
# The report says how far the file is from the model (*parity*), what goes in and out, how the
# recurrences run, and which releases of the runtime take the file.

# %%
converted = rnnlite.convert(model)
converted.save("speaker.tflite")
converted.report

# %% [markdown]
# ## Run
#
# Samples are utterances of their own length: no padding.

# %%
lite = rnnlite.load("speaker.tflite")
scores = lite.predict(test)
accuracy = float(np.mean(scores.argmax(1) == test_speakers))
accuracy

# %% [markdown]
# Padded or not, the result is that of the model:

# %%
difference = float(np.abs(scores - model.predict(padded(test), verbose=0)).max())
difference

# %% [markdown]
# ## Time by length

# %%
from rnnlite.runtime.bench import time_model

timings = time_model(Path("speaker.tflite"), lengths=[10, 30, 100, 300], num_threads=1, repeats=10)
figure, axes = plt.subplots(figsize=(6, 3))
axes.loglog([t.length for t in timings], [t.median for t in timings], marker="o")
axes.set(xlabel="time steps", ylabel="ms", title="One thread")
figure.tight_layout()
