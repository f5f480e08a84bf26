"""Read an ONNX model, a file or a ModelProto, as a `Graph`.

What enters: a path or a ModelProto. What leaves: the graph, with the functions of the model
inlined, and floats of 16 and 64 bits as float32. What cannot be read is refused by name, before
anything runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlite.errors import DependencyError, SourceError, UnsupportedError
from rnnlite.frontends.onnx.buffers import without_buffers
from rnnlite.frontends.onnx.definitions import with_definitions
from rnnlite.frontends.onnx.nodes import FLOATS, WIDER, Graph, Node, ValueInfo
from rnnlite.frontends.onnx.sequences import SEQUENCE, without_lists
from rnnlite.scan.tensors import Array

if TYPE_CHECKING:
    from onnx import ModelProto

DOMAINS = ("", "ai.onnx")
OLDEST = 7
SMALL_FLOATS = ("float8", "float4")
LARGEST = 1 << 31
"""The largest size of a protobuf message, in bytes."""


@dataclass(frozen=True, eq=False)
class Source:
    """A model that was read.

    Attributes:
        proto: the model, with its external data loaded.
        graph: the model as plain data.
        origin: what the source is, for messages, e.g. "ONNX model 'vad.onnx'".
        notes: notes for the report.
    """

    proto: Any
    graph: Graph
    origin: str
    notes: tuple[str, ...] = ()


def require_onnx() -> Any:
    """The onnx package.

    Raises:
        DependencyError: onnx or ONNX Runtime is not installed.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401
    except ImportError as e:
        raise DependencyError(
            f"reading ONNX models needs the package '{e.name}'",
            expected="the packages onnx and onnxruntime",
            remedy="Install them: pip install 'rnnlite[convert,onnx]'",
        ) from e
    return onnx


def read(source: object) -> Source:
    """Read a model.

    Args:
        source: a path, or an onnx.ModelProto, which is not changed.

    Raises:
        SourceError: the model is damaged, too old or too new.
        UnsupportedError: the model holds something that LiteRT has no form for.
    """
    onnx = require_onnx()
    if isinstance(source, Path):
        origin = f"ONNX model '{source.name}'"
        proto = _loaded(onnx, source)
    else:
        origin = f"ONNX model '{source.graph.name}'"  # type: ignore[attr-defined]
        proto = onnx.ModelProto()
        proto.CopyFrom(source)
    _check(onnx, proto, origin)
    if proto.functions:
        from onnx.inliner import inline_local_functions

        proto = inline_local_functions(proto)
    versions = {("" if o.domain in DOMAINS else o.domain): o.version for o in proto.opset_import}
    reader = _Reader(onnx, versions)
    graph = _plain(reader, _ruled(proto, versions[""]), origin)
    _refuse_unknown(graph)
    notes = []
    if reader.floats:
        kinds = " and ".join(sorted(reader.floats))
        notes.append(f"{kinds} is computed in float32")
    return Source(proto, graph, origin, tuple(notes))


def _ruled(proto: ModelProto, version: int) -> ModelProto:
    """The model with ops that have a rule, where ONNX defines others by these."""
    from rnnlite.frontends.onnx.rules import RULES

    return with_definitions(proto, RULES, version)


def _plain(reader: _Reader, proto: Any, origin: str) -> Graph:
    """The graph as plain data, without lists and buffers.

    onnx.checker accepts texts that are not UTF-8, and types that do not exist: they are refused
    here.
    """
    try:
        return without_buffers(without_lists(reader.graph(proto.graph)))
    except (UnicodeDecodeError, KeyError, IndexError, TypeError, ValueError) as e:
        raise SourceError(
            f"{origin} is damaged",
            expected="texts in UTF-8 and types of ONNX",
            found=f"{type(e).__name__}: {e}"[:200],
            remedy="Export or download it again",
        ) from e


def _loaded(onnx: Any, path: Path) -> Any:
    size = path.stat().st_size
    if size >= LARGEST:
        raise SourceError(
            f"'{path}' is too large for one protobuf",
            expected="less than 2 GB, larger weights as external data",
            found=f"{size / 1e9:.1f} GB",
            remedy="Save it with save_as_external_data=True",
        )
    try:
        proto = onnx.load(str(path), load_external_data=False)
    except Exception as e:
        raise SourceError(
            f"'{path}' is no ONNX model, or it is truncated",
            expected="a ModelProto",
            found=f"{size} bytes that do not parse",
            remedy="Export or download it again",
        ) from e
    try:
        onnx.external_data_helper.load_external_data_for_model(proto, str(path.parent))
    except Exception as e:
        raise SourceError(
            f"the external data of '{path}' cannot be read",
            expected="the files that it names beside it",
            found=" ".join(str(e).split())[:200],
            remedy="Copy the model's folder whole",
        ) from e
    return proto


def _check(onnx: Any, proto: Any, origin: str) -> None:
    """Refuse a model that is incomplete, or that onnx.checker refuses."""
    if not proto.graph.node:
        raise SourceError(
            f"{origin} is no model, or it is truncated",
            expected="a graph with nodes",
            found="no node",
            remedy="Export or download it again",
        )
    version = next((o.version for o in proto.opset_import if o.domain in DOMAINS), 0)
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST <= version <= newest:
        raise SourceError(
            f"{origin} is of an operator set that is not read",
            expected=f"{OLDEST} to {newest}",
            found=str(version),
            remedy="Convert it with onnx.version_converter, or export it again"
            if version < OLDEST
            else "Install a newer onnx package",
        )
    try:
        onnx.checker.check_model(_with_shapes(proto))
    except Exception as e:
        text = " ".join(str(e).split())
        # An unknown op is refused by name in `_refuse_unknown`.
        if "No Op registered" in text:
            return
        raise SourceError(
            f"{origin} is damaged",
            expected="a model that onnx.checker takes",
            found=text[:300],
            remedy="Export or download it again",
        ) from e


def _with_shapes(proto: Any) -> Any:
    """The model with a shape for every input and output, as onnx.checker demands.

    ONNX Runtime does not need these shapes, nor does rnnlite.
    """
    lacking = [v for g in graphs_of(proto.graph) for v in _without_shape(g)]
    if not lacking:
        return proto
    changed = type(proto)()
    changed.CopyFrom(proto)
    for graph in graphs_of(changed.graph):
        for value in _without_shape(graph):
            value.type.tensor_type.shape.SetInParent()
    return changed


def graphs_of(graph: Any) -> Iterator[Any]:
    """A graph, and the bodies of its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs_of(attribute.g)


def _without_shape(graph: Any) -> list[Any]:
    return [
        v
        for v in (*graph.input, *graph.output)
        if v.type.WhichOneof("value") in (None, "tensor_type")
        and not v.type.tensor_type.HasField("shape")
    ]


def _refuse_unknown(graph: Graph) -> None:
    """Refuse a model with ops that have no rule, and name them all."""
    from rnnlite.frontends.onnx.rules import RULES

    found: dict[str, Node] = {}
    for node in graph.walk():
        if node.key not in RULES:
            found.setdefault(node.key, node)
    if found:
        listed = ", ".join(f"{op} (node '{node.name}')" for op, node in found.items())
        raise UnsupportedError(
            f"ops of the ONNX model have no rule: {listed}",
            expected="the ops that docs/guides/pytorch_onnx.md lists",
            remedy="Take outputs in front of them (--outputs), or export the model without them",
        )


class _Reader:
    """Decodes protobufs to plain data.

    Args:
        onnx: the package.
        versions: domain -> version of its operator set.
    """

    def __init__(self, onnx: Any, versions: Mapping[str, int]) -> None:
        self.onnx = onnx
        self.versions = versions
        self.floats: set[str] = set()

    def graph(self, proto: Any) -> Graph:
        constants = {t.name: self.array(t) for t in proto.initializer}
        if proto.sparse_initializer:
            raise UnsupportedError(
                "the ONNX model holds the sparse tensor "
                f"'{proto.sparse_initializer[0].values.name}'",
                expected="dense weights",
                remedy="Export the model with dense weights",
            )
        nodes = tuple(self.node(n, k) for k, n in enumerate(proto.node))
        inputs = tuple(self.value_info(v) for v in proto.input if v.name not in constants)
        return Graph(
            proto.name, nodes, inputs, tuple(self.value_info(v) for v in proto.output), constants
        )

    def node(self, proto: Any, number: int) -> Node:
        texts = (proto.op_type, proto.domain, proto.name, *proto.input, *proto.output)
        wrong = next((t for t in texts if not isinstance(t, str)), None)
        if wrong is not None:
            # protobuf gives bytes for a text that is not UTF-8.
            raise ValueError(f"node {number} has the name {wrong!r}")
        domain = "" if proto.domain in DOMAINS else proto.domain
        outputs = tuple(proto.output)
        name = proto.name or next((o for o in outputs if o), f"{proto.op_type}_{number}")
        attributes = {a.name: self.attribute(a) for a in proto.attribute}
        inputs = list(proto.input)
        while inputs and not inputs[-1]:
            inputs.pop()
        version = self.versions.get(domain, 1)
        return Node(proto.op_type, domain, name, tuple(inputs), outputs, attributes, version)

    def attribute(self, proto: Any) -> Any:
        kinds = self.onnx.AttributeProto
        if proto.type == kinds.GRAPH:
            return self.graph(proto.g)
        value = self.onnx.helper.get_attribute_value(proto)
        if proto.type == kinds.TENSOR:
            return self.array(value)
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, Iterable) and not isinstance(value, str):
            return [v.decode() if isinstance(v, bytes) else v for v in value]
        return value

    def array(self, proto: Any) -> Array:
        if proto.data_type == self.onnx.TensorProto.STRING:
            raise UnsupportedError(
                f"the constant '{proto.name}' holds strings, which LiteRT models here do not",
                expected="numbers",
                remedy="Take inputs behind the lookup, and look strings up outside",
            )
        try:
            array = np.asarray(self.onnx.numpy_helper.to_array(proto))
        except Exception as e:
            raise SourceError(
                f"the tensor '{proto.name}' of the ONNX model is damaged",
                expected="as many bytes as its shape and type say",
                found=" ".join(str(e).split())[:200],
                remedy="Export or download it again",
            ) from e
        name = array.dtype.name
        if name in FLOATS or name.startswith(SMALL_FLOATS):
            self.floats.add(name)
            return array.astype(np.float32)
        return array

    def value_info(self, proto: Any) -> ValueInfo:
        kind = proto.type.WhichOneof("value")
        if kind == "sequence_type":
            return ValueInfo(proto.name, SEQUENCE, None)
        if kind not in (None, "tensor_type"):
            raise UnsupportedError(
                f"'{proto.name}' of the ONNX model is a {kind.removesuffix('_type')}",
                expected="tensors",
                remedy="Export the model with tensors as inputs and outputs",
            )
        tensor = proto.type.tensor_type
        if tensor.elem_type == self.onnx.TensorProto.STRING:
            raise UnsupportedError(
                f"'{proto.name}' takes or gives strings, which LiteRT models here do not",
                expected="numbers",
                remedy="Export the model behind the lookup, and look strings up outside",
            )
        dtype = (
            np.dtype(self.onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).name
            if tensor.elem_type
            else "float32"
        )
        if dtype.startswith(SMALL_FLOATS) or dtype in WIDER:
            raise UnsupportedError(
                f"'{proto.name}' of the ONNX model is of type {dtype}",
                expected="inputs and outputs of whole bytes; constants may be smaller",
                remedy="Export the model with inputs and outputs in float32 or int8",
            )
        if not tensor.HasField("shape"):
            return ValueInfo(proto.name, dtype, None)
        return ValueInfo(proto.name, dtype, tuple(self.size(d) for d in tensor.shape.dim))

    def size(self, proto: Any) -> int | str | None:
        if proto.WhichOneof("value") == "dim_value":
            return int(proto.dim_value) if proto.dim_value > 0 else None
        return str(proto.dim_param) or None
