"""An exit of a file: of its record, of a report, and of whoever runs it.

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
        output: the name of its result.
        signature: the one to run.
        inputs, outputs: names, in the order of the signature; its own result is the first output.
        ops: how many it runs.
    """

    output: str
    signature: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    ops: int

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Exit:
        """As the record of a file states it, or a report."""
        inputs, outputs = tuple(said["inputs"]), tuple(said["outputs"])
        return cls(said["output"], said["signature"], inputs, outputs, int(said["ops"]))


COLUMNS = ("exit", "signature", "ops", "ops up to there")


def exit_rows(exits: Sequence[Exit]) -> list[list[Any]]:
    """Rows of a table: each exit, what it runs, and what has run when it answers."""
    rows, total = [], 0
    for one in exits:
        total += one.ops
        rows.append([one.output, one.signature, one.ops, total])
    return rows
