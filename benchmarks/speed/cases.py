"""The layers that are timed: grids of cases, and the Keras layer of each with its input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

FEATURES = 64


@dataclass(frozen=True)
class Case:
    """One layer at one shape: input (batch, steps, `FEATURES`)."""

    cell: str
    units: int
    steps: int
    batch: int
    sequence: bool

    @property
    def name(self) -> str:
        """For tables."""
        outputs = "seq" if self.sequence else "last"
        return f"{self.cell} H={self.units} T={self.steps} B={self.batch} {outputs}"

    @property
    def gates(self) -> int:
        """Products of the state that a step takes, each units by units."""
        return {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}[self.cell]

    @property
    def recurrent_bytes(self) -> int:
        """Float32 weights that every step reads."""
        return 4 * self.gates * self.units**2

    @property
    def operations(self) -> int:
        """Multiplications and additions of a time step, those with the input included."""
        return 2 * self.batch * self.gates * self.units * (self.units + FEATURES)


def full() -> Iterator[Case]:
    """The grid of RESULTS.md."""
    cells, either = ("LSTM", "GRU"), (False, True)
    for cell, units, sequence in product(cells, (32, 64, 128, 256, 512, 1024), either):
        yield Case(cell, units, 100, 1, sequence)
    for cell, units, sequence in product(cells, (32, 128, 512), either):
        for steps, batch in ((10, 1), (1000, 1), (100, 8), (100, 32)):
            yield Case(cell, units, steps, batch, sequence)
    for units in (32, 128, 512):
        yield Case("SimpleRNN", units, 100, 1, False)
    for cell, units, sequence in product(cells, (32, 128), either):
        yield Case(cell, units, 16000, 1, sequence)


def two_threads() -> Iterator[Case]:
    """Where a second thread may help."""
    for cell, units, batch in product(("LSTM", "GRU"), (128, 512), (1, 8)):
        yield Case(cell, units, 100, batch, False)


def quick() -> Iterator[Case]:
    """A grid that ends within three minutes."""
    for cell, width in product(("LSTM", "GRU"), (32, 128, 512)):
        yield Case(cell, width, 100, 1, False)
    yield Case("LSTM", 128, 1000, 1, True)
    yield Case("LSTM", 64, 100, 8, False)


def layer(case: Case, *, steps: int | None = None, batch: int | None = 1):
    """A tf_keras model of the layer alone, with random weights from a fixed seed."""
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    kind = getattr(tf_keras.layers, case.cell)
    return tf_keras.Sequential(
        [
            tf_keras.Input((steps, FEATURES), batch_size=batch),
            kind(case.units, return_sequences=case.sequence),
        ]
    )


def sample(case: Case) -> np.ndarray:
    """Input of a case: standard normal, float32."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((case.batch, case.steps, FEATURES)).astype(np.float32)


def calibration(case: Case) -> list[np.ndarray]:
    """Sequences (steps, FEATURES) for the modes that ask for samples."""
    rng = np.random.default_rng(1)
    steps = min(case.steps, 100)
    return [
        rng.standard_normal((steps - k % 2 if steps > 1 else 1, FEATURES)).astype(np.float32)
        for k in range(20)
    ]
