"""From a TensorFlow function of plain ops to a flatbuffer, by the official converter.

What enters: a ConcreteFunction without recurrent ops. What leaves: a flatbuffer of builtin ops, and
what the names in it stand for. Ops that have no builtin form are refused, by name and with their
layer.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import absl.logging
import tensorflow as tf
from tensorflow.compiler.mlir.lite.python import wrap_converter

from rnnlite.errors import AbortError, UnsupportedError
from rnnlite.isolation.converter import convert_apart
from rnnlite.isolation.process import WorkerDied
from rnnlite.lite.passes.naming import Names, hide
from rnnlite.scan.tensors import ConcreteFunction

_LOCK = threading.Lock()


def run_converter(function: ConcreteFunction) -> tuple[bytes, Names]:
    """Run the official converter with builtin ops only; its native part in a worker.

    Returns:
        a flatbuffer with hidden names, and what they stand for.

    Raises:
        AbortError: the converter ends its process.
        UnsupportedError: an op has no builtin form, or writes to a variable of the source.
    """
    _refuse_writes(function)
    native = _Native()
    converter = _Converter([function])
    verbosity = absl.logging.get_verbosity()
    with _LOCK, native.instead():
        # It warns against converting a function without its owner; constants have no owner.
        absl.logging.set_verbosity(absl.logging.ERROR)
        try:
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            return bytes(converter.convert()), converter.names
        except Exception as e:  # noqa: BLE001 - raised again below, as a refusal
            failure = e
        finally:
            absl.logging.set_verbosity(verbosity)
    if native.died is not None:
        raise _abort(native.died, converter.names.shown(native.died.log), function) from failure
    message = converter.names.shown(f"{failure}\n{native.log}")
    raise _refusal(message, function) from failure


class _Converter(tf.lite.TFLiteConverter):  # type: ignore[misc]
    """The official converter, which gets a graph with hidden names.

    The converter freezes the function itself: names are hidden in the frozen graph, in that step.
    """

    names = Names(())

    def _optimize_tflite_model(self, model: bytes, *_: Any, **__: Any) -> bytes:
        # It reads and writes the file twice to merge equal constants; `passes.prune` does that.
        return model

    def _freeze_concrete_function(self) -> tuple[Any, list[Any], list[Any], Any]:
        graph, inputs, outputs, frozen = super()._freeze_concrete_function()
        self.names, hidden = hide(graph)

        def spec(tensor: Any) -> Any:
            return tf.TensorSpec(
                tensor.shape, tensor.dtype, f"{hidden[tensor.op.name]}:{tensor.value_index}"
            )

        return graph, [spec(t) for t in inputs], [spec(t) for t in outputs], frozen


class _Native:
    """The converter's native part, in a worker.

    Attributes:
        log: what the converter wrote to standard error; MLIR writes its diagnostics there.
        died: how the worker ended, if it did.
    """

    def __init__(self) -> None:
        self.log = ""
        self.died: WorkerDied | None = None
        self._errors: list[bytes] = []

    @contextmanager
    def instead(self) -> Iterator[None]:
        """A context in which calls of the converter's native code run in a worker.

        Other threads that convert meanwhile get the same results, from the worker too.
        """
        own = wrap_converter.wrapped_convert, wrap_converter.wrapped_retrieve_collected_errors
        wrap_converter.wrapped_convert = self._convert
        wrap_converter.wrapped_retrieve_collected_errors = lambda: list(self._errors)
        try:
            yield
        finally:
            wrap_converter.wrapped_convert = own[0]
            wrap_converter.wrapped_retrieve_collected_errors = own[1]

    def _convert(self, model: bytes, flags: bytes, graph: bytes, debug: bytes | None) -> bytes:
        try:
            found = convert_apart(model, flags, graph, debug)
        except WorkerDied as e:
            self.died = e
            raise
        self.log += found.log
        self._errors = list(found.errors)
        if found.refusal:
            raise ValueError(found.refusal)
        return found.data


def _refuse_writes(function: ConcreteFunction) -> None:
    """Refuse writes to variables before TensorFlow freezes the function.

    Freezing fails on them half-way. It leaves functions behind that are removed twice, with a
    traceback on standard error for each.
    """
    captured = {id(placeholder.op) for _, placeholder in function.graph.captures}
    for op in function.graph.get_operations():
        if re.fullmatch(r"Assign\w*VariableOp", op.type) and id(op.inputs[0].op) in captured:
            raise _writes(op.name.rpartition("/")[0] or op.name)


def _writes(place: str) -> UnsupportedError:
    return UnsupportedError(
        f"'{place}' writes to a variable when the model is called",
        remedy="LiteRT models here keep no state: give it as an input and an output",
    )


def _abort(died: WorkerDied, log: str, function: ConcreteFunction) -> AbortError:
    """The refusal where the converter ended its process, with the ops that its log names."""
    ops = sorted(set(re.findall(r"\btf\.([A-Z][A-Za-z0-9]+)\b", log)))
    places = [op.name for op in function.graph.get_operations() if op.type in ops]
    where = f", at {', '.join(repr(p) for p in places[:3])}" if places else ""
    return AbortError(
        f"the official converter ends its process{where}",
        expected="a model, or an error",
        found=died.reason,
        remedy="Take layers out of the model until it converts, and please report the one at fault",
    )


def _refusal(message: str, function: ConcreteFunction) -> UnsupportedError:
    """Turn the converter's diagnostics into one sentence that names ops and places."""
    ops = re.findall(r"'tf\.([A-Za-z0-9_]+)' op is neither", message)
    # The converter also names inputs of another kind, such as the handle of a table.
    ops = sorted({*(ops or re.findall(r"\btf\.([A-Z][A-Za-z0-9]+)\b", message))} - {"Placeholder"})
    if any(op.startswith("TensorList") for op in ops):
        return UnsupportedError(
            f"the model holds a loop that was not recognised as a recurrence ({', '.join(ops)})",
            expected="Keras recurrent layers, or loops that LiteRT can run",
            remedy="If it comes from a SavedModel, pass the class of its layer as a custom object; "
            "a loop written by hand can be written as the cell of an RNN layer",
        )
    if ops:
        places = [op.name for op in function.graph.get_operations() if op.type in ops]
        where = f" (at {', '.join(repr(p) for p in places[:3])})" if places else ""
        return UnsupportedError(
            f"{', '.join(ops)} {'has' if len(ops) == 1 else 'have'} no builtin LiteRT form{where}",
            remedy="Replace the layer that uses it, or take it out of the model and run it outside",
        )
    assigned = re.search(r"node (\S+)/Assign\w*VariableOp", message)
    if assigned:
        return _writes(assigned.group(1))
    first = next((line for line in message.splitlines() if line.strip()), "no reason given")
    return UnsupportedError("the official converter refused the model", found=first.strip()[:300])
