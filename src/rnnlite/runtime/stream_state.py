"""What a stream keeps between chunks, and how that is saved and restored. NumPy alone.

What enters: states as the file gives them, how many steps were fed, results so far; or what was
saved of these. What leaves: `Kept`; arrays by name, which a file of arrays can hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rnnlite.errors import SampleError
from rnnlite.specs import Array, TensorSpec

STEPS = "state/stream/steps"
END = "state/stream/end"
"""States that count the steps fed, and the steps of the sequence; see `rnnlite.streaming.clock`."""

HALFWAY = 1 << 29
"""The most steps that the states count when a sequence ends: the tail has room below saturation."""

COUNT, GRIDS, INPUT, OUTPUT = "steps", "grids", "input/", "output/"
"""Keys and prefixes in `Stream.state` beside the states: steps fed, scales and zero points of the
states, inputs without time, results so far."""


@dataclass(eq=False, slots=True)
class Kept:
    """What a stream keeps between chunks.

    Attributes:
        states: as the file takes and gives them, in integers where they are quantized.
        steps: number of steps fed so far.
        static: by name, the inputs without time, as they were given last.
        so_far: results so far, by output name.
    """

    states: list[Array]
    steps: int = 0
    static: Mapping[str, Array] = field(default_factory=dict)
    so_far: Mapping[str, Array] = field(default_factory=dict)

    def ending(self, specs: Sequence[TensorSpec]) -> Kept:
        """The same, where the states that count steps say that the sequence ends here."""
        # Far below where counting saturates, and beyond every delay.
        steps = min(self.steps, HALFWAY)
        told = {STEPS: steps, END: steps}
        states = [
            np.full_like(a, told[s.name]) if s.name in told else a
            for a, s in zip(self.states, specs, strict=True)
        ]
        return replace(self, states=states)

    def saved(self, specs: Sequence[TensorSpec]) -> dict[str, Array]:
        """Copies of the states and of what stands beside them, by name.

        Args:
            specs: of the states.

        Returns:
            arrays in their shapes and dtypes; the steps as an int64 of rank 0; scale and zero point
            of each state that has them as rows of float64.
        """
        found = {s.name: a.copy() for s, a in zip(specs, self.states, strict=True)}
        found[COUNT] = np.array(self.steps, np.int64)
        found.update(_grids(specs))
        found.update({INPUT + name: a.copy() for name, a in self.static.items()})
        found.update({OUTPUT + name: a.copy() for name, a in self.so_far.items()})
        return found

    def restored(
        self,
        saved: Mapping[str, Array],
        specs: Sequence[TensorSpec],
        beside: Mapping[str, TensorSpec],
    ) -> Kept:
        """What a saved state holds, checked against what this stream keeps.

        Args:
            saved: what `saved` gave.
            specs: of the states.
            beside: specs of what may stand beside the states, by key in `saved`.

        Raises:
            SampleError: the state is of another model, mode or batch.
        """
        names = [*(spec.name for spec in specs), COUNT, *_grids(specs)]
        given = set(saved) if isinstance(saved, Mapping) else set()
        more = given - set(names)
        if not given.issuperset(names) or not more <= set(beside):
            raise SampleError(
                "this is the state of another model",
                expected=", ".join(names),
                found=", ".join(map(str, saved)) if given else repr(saved),
            )
        arrays = [np.array(saved[spec.name]) for spec in specs]
        for array, spec, own in zip(arrays, specs, self.states, strict=True):
            if array.shape != own.shape or array.dtype != own.dtype:
                raise _of_another(f"state '{spec.name}'", f"{own.dtype} {own.shape}", array)
        for name, grids in _grids(specs).items():
            if not np.array_equal(saved[name], grids):
                raise SampleError(
                    "the state is of another model or mode, whose integers stand for other numbers",
                    expected=f"scales and zero points {grids.tolist()}",
                    found=str(np.asarray(saved[name]).tolist()),
                )
        others = {name: np.array(saved[name]) for name in more}
        for name, array in others.items():
            spec = beside[name]
            sizes = len(array.shape) == len(spec.shape) and all(
                d in (None, n) for d, n in zip(spec.shape, array.shape, strict=True)
            )
            if not sizes or array.dtype != spec.dtype:
                raise _of_another(f"'{name}'", f"{spec.dtype} {spec.shape}", array)
        steps = np.array(saved[COUNT])
        if steps.shape or steps.dtype.kind not in "iu" or steps < 0:
            raise _of_another(f"'{COUNT}'", "a number of steps, a whole one of rank 0", steps)
        parts = [
            {m.removeprefix(kind): a for m, a in others.items() if m.startswith(kind)}
            for kind in (INPUT, OUTPUT)
        ]
        return Kept(arrays, int(steps), *parts)


def _grids(specs: Sequence[TensorSpec]) -> dict[str, Array]:
    """Scale and zero point of each state that has them, by their key; nothing where none has."""
    rows = [spec.quantization for spec in specs if spec.quantization is not None]
    return {GRIDS: np.array(rows, np.float64)} if rows else {}


def _of_another(what: str, expected: str, found: Array) -> SampleError:
    shown = f"{found.dtype} {found.shape}" if found.shape or found.dtype.kind not in "iu" else found
    return SampleError(
        f"{what} is of another model, mode or batch", expected=expected, found=str(shown)
    )
