"""Write any source as one frozen graph: variables as constants, names as the source has them.

What enters: a source, as `convert` takes it. What leaves: a file with a GraphDef, and its `Ends`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnlite.frontends.program import Request
from rnnlite.lite.files import write_whole
from rnnlite.lite.inspection import TensorInfo


@dataclass(frozen=True)
class Ends:
    """Inputs and outputs of a frozen graph; prints as a table, unpacks as the two.

    Attributes:
        inputs, outputs: names (the tensor is NAME:0), shapes (None where free) and dtypes.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    def __iter__(self) -> Iterator[tuple[TensorInfo, ...]]:
        return iter((self.inputs, self.outputs))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "inputs": [vars(t) for t in self.inputs],
            "outputs": [vars(t) for t in self.outputs],
        }

    def __str__(self) -> str:
        from rnnlite.report.tables import as_text, signature_table

        return as_text(signature_table(self.inputs, self.outputs))


def freeze(
    source: Any,
    path: str | Path,
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    constants: Mapping[str, Any] | None = None,
    signature: str | None = None,
    tags: Sequence[str] | None = None,
    architecture: str | Path | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    trust: bool = False,
) -> Ends:
    """Write a model as one GraphDef with constants for its variables.

    The graph has the control flow of TensorFlow 1 (Enter, Merge, Switch, NextIteration, Exit), and
    no attribute that TensorFlow 1.15 does not know has a value other than its default: it opens
    there as well as in TensorFlow 2.

    Args:
        source: as `rnnlite.convert` takes it: a path or a live Keras model.
        path: where to write (.pb).
        inputs, outputs, constants, signature, tags, architecture, custom_objects, trust: as
            `convert` takes them.

    Returns:
        names, shapes and dtypes of its inputs and outputs.

    Raises:
        RnnliteError: the source cannot be opened, or the path cannot be written.
    """
    request = Request(
        inputs=inputs,
        outputs=outputs,
        constants=constants,
        signature=signature,
        tags=tags,
        architecture=architecture,
        custom_objects=custom_objects,
        trust=trust,
    )
    from rnnlite.frontends.opening import needs_tensorflow_backend, open_frozen

    if needs_tensorflow_backend(source):
        from rnnlite.frontends.keras.child import freeze_in_child

        content, ends = freeze_in_child(source, request)
    else:
        definition, ends = open_frozen(source, request)
        content = definition.SerializeToString()
    write_whole(path, content)
    found = [tuple(TensorInfo(name, shape, dtype) for name, shape, dtype in part) for part in ends]
    return Ends(*found)
