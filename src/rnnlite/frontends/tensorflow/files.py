"""Read graphs from disk: frozen graphs, SavedModels, checkpoints; variables become constants.

What enters: a path. What leaves: a `Frozen`, a GraphDef with constants for variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import tensorflow as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_from_session_graph,
)
from tensorflow.python.util import deprecation

from rnnlite.errors import SourceError
from rnnlite.frontends.program import SIGNATURE
from rnnlite.frontends.tensorflow.constants import fixed
from rnnlite.frontends.tensorflow.detection import CHECKPOINT, GRAPH, detect
from rnnlite.frontends.tensorflow.frozen import Frozen, drop_writes, gather_from_constants
from rnnlite.frontends.tensorflow.live import from_saved_model
from rnnlite.frontends.tensorflow.nodes import Graph, graph_of, name_of, pruned, ref
from rnnlite.frontends.tensorflow.outputs import outputs_of
from rnnlite.frontends.tensorflow.request import TensorFlowRequest
from rnnlite.scan.protos import MetaGraphDef, NodeDef, SavedModel, SignatureDef
from rnnlite.scan.tensors import Graph as TensorGraph
from rnnlite.scan.tensors import Session


def read_frozen(path: Path, request: TensorFlowRequest) -> Frozen:
    """Read a graph of any kind, and fix inputs to the constants asked for.

    Raises:
        SourceError: the file is truncated or of another kind, variables are missing, or a name is
            not in the graph.
    """
    return fixed(_read(path, request), request)


def _read(path: Path, request: TensorFlowRequest) -> Frozen:
    kind = detect(path)
    if kind is GRAPH:
        definition = _graph_def(path)
        return Frozen(definition, None, None, None, f"graph '{path.name}'")
    with deprecation.silence():
        if kind is CHECKPOINT:
            return _checkpoint(path, request)
        return _saved_model(path, request)


def _graph_def(path: Path) -> Any:
    data = path.read_bytes()
    definition = tf.compat.v1.GraphDef()
    try:
        if data.lstrip()[:4] == b"node":
            text_format.Parse(data.decode("utf-8"), definition)
        else:
            definition.ParseFromString(data)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as e:
        raise SourceError(
            f"'{path}' is no graph, or it is truncated",
            expected="a GraphDef, as tf.io.write_graph writes it",
            found=f"{len(data)} bytes that do not parse",
            remedy="Write or download it again",
        ) from e
    if not definition.node or not all(n.op and n.name for n in definition.node):
        raise SourceError(
            f"'{path}' is no graph",
            expected="a GraphDef with nodes",
            found=f"{len(definition.node)} nodes, some without op"
            if definition.node
            else "no nodes",
            remedy="Give a frozen graph, a SavedModel folder or a checkpoint",
        )
    return definition


@contextmanager
def _session(graph: TensorGraph) -> Iterator[Session]:
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
    )
    with graph.as_default(), tf.compat.v1.Session(graph=graph, config=config) as session:
        yield session


def _constant(session: Session, outputs: Sequence[str], origin: str) -> Any:
    """The session's graph with constants for variables, as far as the outputs need it."""
    definition = session.graph.as_graph_def()
    drop_writes(definition)
    try:
        definition = convert_variables_to_constants_from_session_graph(
            session, definition, [name_of(o) for o in outputs]
        )
    except Exception as e:
        raise SourceError(
            f"{origin} cannot be frozen",
            found=" ".join(str(e).split())[:300],
            remedy="Freeze it where it was made, and give the frozen graph",
        ) from e
    gather_from_constants(definition)
    return pruned(definition, outputs)


def _checkpoint(path: Path, request: TensorFlowRequest) -> Frozen:
    """NAME.meta and NAME.index, or NAME, or the folder that holds them."""
    prefix = _prefix(path)
    origin = f"checkpoint '{Path(prefix).name}'"
    graph = tf.Graph()
    with _session(graph) as session:
        try:
            saver = tf.compat.v1.train.import_meta_graph(f"{prefix}.meta", clear_devices=True)
        except (OSError, DecodeError, ValueError, KeyError, tf.errors.OpError) as e:
            raise SourceError(
                f"the graph of the checkpoint, '{prefix}.meta', cannot be read",
                expected="a MetaGraphDef, as tf.train.Saver writes it",
                found=" ".join(str(e).split())[:200],
                remedy="Give NAME.meta with NAME.index and NAME.data-* beside it",
            ) from e
        table = graph_of(session.graph.as_graph_def())
        outputs, notes = outputs_of(table, request.outputs)
        try:
            if saver is not None:
                saver.restore(session, prefix)
        except (tf.errors.OpError, ValueError) as e:
            raise SourceError(
                f"the variables of the checkpoint '{prefix}' cannot be restored",
                found=" ".join(str(e).split())[:200],
                remedy="Give the checkpoint that belongs to this graph, whole",
            ) from e
        definition = _constant(session, outputs, origin)
    return Frozen(definition, None, outputs, None, origin, notes)


def _prefix(path: Path) -> str:
    if path.is_dir():
        try:
            latest = tf.train.latest_checkpoint(str(path))
        except (ValueError, text_format.ParseError):
            # Its file "checkpoint" is empty or damaged.
            latest = None
        if latest is None:
            raise SourceError(
                f"the folder '{path}' names no checkpoint",
                remedy="Give NAME.meta itself",
            )
        return str(latest)
    return str(path.with_suffix("")) if path.suffix in (".meta", ".index") else str(path)


def _saved_model(path: Path, request: TensorFlowRequest) -> Frozen:
    folder = path if path.is_dir() else path.parent
    meta = _meta_graph(_content(folder), folder, request)
    key = _signature(meta, folder, request)
    signature = meta.signature_def[key]
    origin = f"SavedModel '{folder.name}', signature '{key}'"
    try:
        return _by_session(folder, meta, signature, origin, request)
    except SourceError as e:
        if not meta.object_graph_def.nodes or request.outputs is not None:
            raise
        refusal = e
    try:
        # Variables of objects within, which a session does not find.
        frozen = from_saved_model(str(folder), list(meta.meta_info_def.tags), key, origin)
    except Exception:  # noqa: BLE001 - the session's refusal says more
        raise refusal from None
    return _in_order(frozen, _argument_names(meta, signature))


def _content(folder: Path) -> SavedModel:
    content: Any = saved_model_pb2.SavedModel()
    try:
        content.ParseFromString((folder / "saved_model.pb").read_bytes())
    except (DecodeError, OSError) as e:
        raise SourceError(
            f"the SavedModel '{folder}' is truncated or damaged",
            found=str(e)[:200],
            remedy="Save or download the model again",
        ) from e
    return cast(SavedModel, content)


def _by_session(
    folder: Path,
    meta: MetaGraphDef,
    signature: SignatureDef,
    origin: str,
    request: TensorFlowRequest,
) -> Frozen:
    """A SavedModel as TensorFlow 1 loads it."""
    graph = tf.Graph()
    with _session(graph) as session:
        try:
            tf.compat.v1.saved_model.load(session, list(meta.meta_info_def.tags), str(folder))
        except (tf.errors.OpError, OSError, ValueError, KeyError) as e:
            raise SourceError(
                f"the SavedModel '{folder}' cannot be loaded",
                found=" ".join(str(e).split())[:300],
                remedy="Check that its variables folder is whole",
            ) from e
        names = (_argument_names(meta, signature), tuple(sorted(signature.outputs)))
        inputs = tuple(signature.inputs[n].name for n in names[0])
        outputs = tuple(signature.outputs[n].name for n in names[1])
        named = request.outputs
        nodes = graph_of(session.graph.as_graph_def())
        within = [n for n in named or () if name_of(ref(n)) not in nodes.nodes]
        if named is not None and not within:
            outputs, _ = outputs_of(nodes, named)
        # Tensors of functions are looked for when their calls are opened.
        definition = _constant(session, outputs, origin)
    return Frozen(definition, inputs, outputs, names, origin)


def _argument_names(meta: MetaGraphDef, signature: SignatureDef) -> tuple[str, ...]:
    """The names of a signature's inputs, in the order in which its function takes them.

    A SignatureDef has no order. TensorFlow 2 writes a function that takes the inputs by name and
    hands them to the user's, in the user's order. Where there is none, names are sorted.
    """
    names = {signature.inputs[n].name: n for n in sorted(signature.inputs)}
    graph = graph_of(meta.graph_def)
    order = list(names)
    for _ in range(2):
        call = next((n for n in graph.nodes.values() if _takes_all(graph, n, order)), None)
        if call is None:
            break
        read = graph.inputs(call)
        body = graph.function(call.attr["f"].func.name)
        names = {body.arguments[k]: names[r] for k, r in enumerate(read) if r in names}
        graph, order = body, list(names)
    return tuple(names.values())


def _takes_all(graph: Graph, node: NodeDef, references: Sequence[str]) -> bool:
    """Whether a node calls a function with all of these tensors, each once."""
    if node.op not in ("PartitionedCall", "StatefulPartitionedCall"):
        return False
    read = graph.inputs(node)
    return all(read.count(r) == 1 for r in references)


def _in_order(frozen: Frozen, names: Sequence[str]) -> Frozen:
    """The inputs in the order of these names."""
    if frozen.names is None or frozen.inputs is None or set(frozen.names[0]) != set(names):
        return frozen
    places = [frozen.names[0].index(n) for n in names]
    inputs = tuple(frozen.inputs[k] for k in places)
    return replace(frozen, inputs=inputs, names=(tuple(names), frozen.names[1]))


def _meta_graph(content: SavedModel, folder: Path, request: TensorFlowRequest) -> MetaGraphDef:
    wanted = set(request.tags) if request.tags is not None else None
    found = [set(m.meta_info_def.tags) for m in content.meta_graphs]
    shown = "; ".join(", ".join(sorted(t)) or "no tag" for t in found)
    for meta, tags in zip(content.meta_graphs, found, strict=True):
        if tags == wanted or (wanted is None and (len(found) == 1 or "serve" in tags)):
            return meta
    raise SourceError(
        f"the SavedModel '{folder}' has no graph with the tags asked for",
        expected=", ".join(sorted(wanted)) if wanted else "serve",
        found=shown or "no graph at all",
        remedy="Name its tags (--tags)",
    )


def signatures_of(path: Path, request: TensorFlowRequest) -> tuple[str, ...]:
    """The names of all signatures of a SavedModel, "serving_default" before all others.

    Raises:
        SourceError: the SavedModel is damaged, or has no graph with the tags asked for.
    """
    folder = path if path.is_dir() else path.parent
    keys = _keys(_meta_graph(_content(folder), folder, request))
    return tuple(sorted(keys, key=lambda key: key != SIGNATURE))


def _keys(meta: MetaGraphDef) -> list[str]:
    return sorted(k for k in meta.signature_def if not k.startswith("__saved_model"))


def _signature(meta: MetaGraphDef, folder: Path, request: TensorFlowRequest) -> str:
    keys = _keys(meta)
    if request.signature is not None:
        if isinstance(request.signature, str) and request.signature in keys:
            return request.signature
        raise SourceError(
            f"the SavedModel '{folder}' has no signature '{request.signature}'",
            found=", ".join(repr(k) for k in keys) or "none",
            remedy="Name one of them (--signature)",
        )
    if "serving_default" in keys or len(keys) == 1:
        return "serving_default" if "serving_default" in keys else keys[0]
    raise SourceError(
        f"the SavedModel '{folder}' does not say which of its signatures is meant",
        expected="'serving_default', or a single one",
        found=", ".join(repr(k) for k in keys) or "none",
        remedy="Name one of them (--signature)",
    )
