"""An exit of a file, as its record, a report and the runtime know it.

What enters: what the record of a file says of its exits. What leaves: `Exit`s, and rows of a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Exit:
    """One exit of a file.

    Attributes:
        output: the name of the output of the model that it gives.
        signature: the signature that computes it.
        inputs, outputs: names of the signature's inputs and outputs, in order. The exit's own
            result is the first output.
        ops: how many ops the signature runs.
    """

    output: str
    signature: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    ops: int

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Exit:
        """An exit from its data in the record of a file, or in a report."""
        inputs, outputs = tuple(said["inputs"]), tuple(said["outputs"])
        return cls(said["output"], said["signature"], inputs, outputs, int(said["ops"]))


COLUMNS = ("exit", "signature", "ops", "ops up to there")


def exit_rows(exits: Sequence[Exit]) -> list[list[Any]]:
    """Rows of a table: each exit, its ops, and all ops that have run when it answers."""
    rows, total = [], 0
    for one in exits:
        total += one.ops
        rows.append([one.output, one.signature, one.ops, total])
    return rows
