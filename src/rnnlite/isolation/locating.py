"""Find the op that ends the process.

What enters: a model that ended a worker. What leaves: the op and the tensor that it makes, in
words.

Kernels check types, scales and shapes when they are prepared. So each op runs alone, on zeros, in a
worker. If no op alone ends the worker, the shortest beginning of the main graph that does is
searched for.
"""

from __future__ import annotations

from rnnlite.isolation.process import Worker, WorkerDied
from rnnlite.lite import schema
from rnnlite.lite.ir import Model, Op

PROBE_SECONDS = 20.0
MOST_OPS = 3000

SKIPPED = ("WHILE", "IF", "CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def culprit(data: bytes, signature: str | None = None) -> str:
    """The op that ends the process, and the tensor that it makes; "" where it is not found.

    Args:
        data: the model.
        signature: the signature that was run; the main graph if None.
    """
    try:
        model = schema.read(data)
    except Exception:  # noqa: BLE001 - a damaged file; the caller says so
        return ""
    _keep(model, signature)
    probes = _Probes()
    try:
        return _alone(model, probes) or _beginning(model, probes)
    finally:
        probes.close()


def _keep(model: Model, signature: str | None) -> None:
    """Reduce a model, in place, to the graphs that a signature runs."""
    graph = next((s.graph for s in model.signatures if s.key == signature), model.main)
    model.signatures = []
    model.graphs = [graph, *(g for g in model.graphs if g is not graph)]
    model.graphs = model.reached()


class _Probes:
    """A worker for one probe after another; it is replaced when a probe ends it."""

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


def _alone(model: Model, probes: _Probes) -> str:
    for op in list(model.ops())[:MOST_OPS]:
        if op.kind not in SKIPPED and probes.ends(_single(op)):
            return _shown(op)
    return ""


def _beginning(model: Model, probes: _Probes) -> str:
    ops = list(model.main.ops)
    if not ops or not probes.ends(beginning(model, len(ops))):
        return ""
    low, high = 0, len(ops)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if probes.ends(beginning(model, middle)) else (middle, high)
    return _shown(ops[high - 1])


def _shown(op: Op) -> str:
    return f"{op.kind} (it makes {op.output.label if op.outputs else 'nothing'})"


def _single(op: Op) -> bytes:
    """A model of one op, whose operands are inputs or constants."""
    model = Model()
    graph = model.graph()
    alone = {}
    for value in (*op.operands, *op.outputs):
        if value not in alone:
            alone[value] = graph.like(value, quantization=value.quantization)
            alone[value].data, alone[value].signature = value.data, None
    twin = op.twin(
        [None if v is None else alone[v] for v in op.inputs], [alone[v] for v in op.outputs]
    )
    twin.code = model.code(op.kind, op.version)
    graph.append(twin)
    graph.inputs = [v for v in graph.values if v.producer is None and not v.is_constant]
    graph.outputs = twin.outputs
    return schema.write(model)


def beginning(model: Model, count: int) -> bytes:
    """The model with only the first `count` ops of its main graph."""
    part, _ = model.copy()
    part.signatures, part.metadata = [], {}
    ops = list(part.main.ops)
    part.main.outputs = ops[count - 1].outputs
    part.main.remove(*reversed(ops[count:]))
    return schema.write(part)
