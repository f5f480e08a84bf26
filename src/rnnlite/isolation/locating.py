"""Which op ends the process.

What enters: a model that ended a worker. What leaves: the op and the tensor it makes, in words.
Kernels check types, scales and shapes when they are prepared; so each op runs alone, on zeros, in
workers of its own. If none falls alone, the shortest beginning of the main graph that does is
looked for.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from rnnlite.isolation.process import Worker, WorkerDied
from rnnlite.lite import flatbuffer
from rnnlite.lite.trees import label

PROBE_SECONDS = 20.0
MOST_OPS = 3000

SKIPPED = ("WHILE", "IF", "CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def culprit(data: bytes) -> str:
    """The op that ends the process, and the tensor it makes; "" where that cannot be told."""
    try:
        model = flatbuffer.read(data)
    except Exception:  # noqa: BLE001 - a damaged file; the caller says so
        return ""
    probes = _Probes()
    try:
        return _alone(model, probes) or _beginning(model, probes)
    finally:
        probes.close()


class _Probes:
    """A worker for one probe after another, replaced where one ends it."""

    def __init__(self) -> None:
        self.worker: Worker | None = None

    def ends(self, data: bytes) -> bool:
        """Whether running a model on zeros ends the process."""
        self.worker = self.worker or Worker()
        try:
            self.worker.call("rnnlite.isolation.held:probe", data, seconds=PROBE_SECONDS)
        except WorkerDied:
            self.close()
            return True
        except Exception:  # noqa: BLE001 - refused, as runtimes should
            return False
        return False

    def close(self) -> None:
        if self.worker is not None:
            self.worker.close()
        self.worker = None


def _alone(model: Any, probes: _Probes) -> str:
    for s, op, name in list(flatbuffer.operators(model))[:MOST_OPS]:
        if name not in SKIPPED and probes.ends(_single(model, s, op)):
            return _shown(model, s, op, name)
    return ""


def _beginning(model: Any, probes: _Probes) -> str:
    ops = model.subgraphs[0].operators or []
    if not ops or not probes.ends(_first(model, len(ops))):
        return ""
    low, high = 0, len(ops)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if probes.ends(_first(model, middle)) else (middle, high)
    return _shown(model, 0, ops[high - 1], flatbuffer.op_name(model, ops[high - 1]))


def _shown(model: Any, subgraph: int, op: Any, name: str) -> str:
    made = label(model, subgraph, int(op.outputs[0])) if len(op.outputs) else "nothing"
    return f"{name} (it makes {made})"


def _single(model: Any, subgraph: int, op: Any) -> bytes:
    """A model of one op, whose values are inputs."""
    content = model.subgraphs[subgraph]
    used = [int(t) for t in [*op.inputs, *op.outputs] if int(t) >= 0]
    numbers = {t: k for k, t in enumerate(dict.fromkeys(used))}
    alone = schema.SubGraphT()
    alone.tensors = [_as_variable(content.tensors[t]) for t in numbers]
    alone.operators = [copy(op)]
    alone.operators[0].inputs = [numbers.get(int(t), -1) for t in op.inputs]
    alone.operators[0].outputs = [numbers[int(t)] for t in op.outputs]
    made = {int(t) for t in op.outputs}
    alone.inputs = [
        number
        for t, number in numbers.items()
        if t not in made and flatbuffer.content(model, content.tensors[t]) is None
    ]
    alone.outputs = [numbers[int(t)] for t in op.outputs]
    return _written(model, [alone])


def _first(model: Any, count: int) -> bytes:
    """The model with the first ops of its main graph alone."""
    main = copy(model.subgraphs[0])
    main.operators = list(main.operators)[:count]
    main.outputs = [int(t) for t in main.operators[-1].outputs]
    return _written(model, [main, *model.subgraphs[1:]])


def _as_variable(tensor: Any) -> Any:
    found = copy(tensor)
    found.shapeSignature = None
    return found


def _written(model: Any, subgraphs: list[Any]) -> bytes:
    part = copy(model)
    part.subgraphs, part.signatureDefs, part.metadata = subgraphs, [], []
    return flatbuffer.write(part)
