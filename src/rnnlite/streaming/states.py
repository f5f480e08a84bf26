"""The states of a stream: what the function of a chunk takes from the chunk before.

What enters: the name and shape of a state where a rule needs one, and its new value. What leaves:
the tensor of the old value; in the end, all states and all new values. States are met while the
function is emitted. So it is emitted twice: first into a graph of its own, where each state is a
placeholder and the list of them grows; then for good, with that list given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from rnnlite.scan.scan import Tensor


@dataclass(frozen=True)
class State:
    """One state.

    Attributes:
        name: "state/<layer>/<name>", unique.
        shape: None where the batch is free.
        dtype: NumPy name.
        initial: the value of all its elements at the start of a sequence.
        batch_axis: where it has one.
        grows: whether it adds up all that came so far.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    initial: float = 0.0
    batch_axis: int | None = 0
    grows: bool = False


class States:
    """The states of one emission.

    Args:
        given: the tensors of all states, in the order in which they are met; None in the emission
            that meets them first.
    """

    def __init__(self, given: Sequence[Tensor] | None = None) -> None:
        self._given = given
        self.met: list[State] = []
        self._next: dict[str, Tensor] = {}

    def take(
        self,
        layer: str,
        name: str,
        shape: Sequence[int | None],
        dtype: tf.DType,
        *,
        initial: float = 0.0,
        batch_axis: int | None = 0,
        grows: bool = False,
    ) -> tuple[str, Tensor]:
        """A state as the chunk before left it, and the name to give the new one under."""
        wanted = full = f"state/{layer}/{name}"
        taken = {s.name for s in self.met}
        count = 1
        while full in taken:
            count += 1
            full = f"{wanted}_{count}"
        state = State(full, tuple(shape), dtype.name, initial, batch_axis, grows)
        self.met.append(state)
        if self._given is None:
            return full, tf.compat.v1.placeholder(dtype, state.shape)
        return full, self._given[len(self.met) - 1]

    def give(self, name: str, value: Tensor) -> None:
        """The state as this chunk leaves it."""
        self._next[name] = value

    def after(self) -> list[Tensor]:
        """All new states, in the order in which they were met."""
        return [self._next[state.name] for state in self.met]
