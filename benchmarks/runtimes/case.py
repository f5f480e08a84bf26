"""What a case of the matrix is: a model to convert, and what to run it on.

What leaves: `Case`, `stack` for models of layers in a row, and `sample`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = dict[str, Any]

LENGTHS = (17, 1, 64, 5, 300, 2, 100, 1000, 17, 64)
"""In the order in which one interpreter runs them: growing and shrinking, by little and by much."""

MODES = ("float32", "float16", "dynamic", "int8", "int16x8")
FEATURES = 6
IDS = 40

TOLERANCES = {"float32": 2e-4, "float16": 5e-3, "dynamic": 5e-2, "int8": 0.1, "int16x8": 2e-2}
"""How far another runtime's outputs may be off, relative to their RMS: kernels round differently,
which a recurrence carries on; the faults looked for are far above."""


@dataclass(frozen=True)
class Case:
    """A model to convert.

    Attributes:
        name: of the model.
        build: makes the Keras model.
        ids: whether its input is a sequence of token ids.
        masked: whether some steps of its input are padding.
        options: of `rnnlite.convert`.
        modes: to convert it in.
        lengths: to run it at.
        plan: gives the signature and the inputs of each call instead, the states of streams left
            out, where the file has several signatures.
        calibration: gives the samples for integers, where they are not those of `sample`.
    """

    name: str
    build: Callable[[Any], Any]
    ids: bool = False
    masked: bool = False
    shape: tuple[int, ...] = (FEATURES,)
    options: Any = None
    modes: Sequence[str] = MODES
    lengths: Sequence[int] = LENGTHS
    plan: Callable[[Case, Any], Iterator[tuple[str, Arrays]]] | None = None
    calibration: Callable[[Any], Any] | None = None


def stack(*layers: Callable[[Any], Any], shape: tuple[int, ...] = (FEATURES,)) -> Any:
    """A Sequential model; each layer is made of the module `keras.layers`."""

    def build(keras: Any) -> Any:
        keras.utils.set_random_seed(7)
        x = keras.Input((None, *shape), name="x")
        return keras.Sequential([x, *[layer(keras.layers) for layer in layers]])

    return build


def sample(case: Case, length: int, rng: Any) -> Any:
    """One sequence."""
    if case.ids:
        ids = rng.integers(1, IDS, length).astype(np.int32)
        if case.masked:
            ids[length - length // 3 :] = 0
        return ids
    x = rng.standard_normal((length, *case.shape)).astype(np.float32)
    if case.masked:
        x[length - length // 3 :] = 0
    return x
