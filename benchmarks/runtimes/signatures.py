"""Cases whose files have several signatures: streams, and functions that share weights.

What enters: nothing. What leaves: `CASES`, and `expected`, the inputs and outputs of calls of all
signatures by turns on one interpreter. States of a stream are fed back as they come out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import rnnlite
from runtimes.case import FEATURES, MODES, Arrays, Case, sample, stack

STATE = "state/"
CHUNKS = (3, 1, 20, 7)
"""Steps of the chunks between whole sequences."""
UNITS, CLASSES = 16, 5
WHOLE = (17, 1, 64, 300, 2)
"""Steps of the whole sequences; none for 0."""


def _streamed(name: str, *layers: Any, steps: bool | int = True, masked: bool = False) -> Case:
    """A case whose file has a stream besides."""

    def plan(case: Case, rng: Any) -> Iterator[tuple[str, Arrays]]:
        for length in case.lengths:
            if length:
                yield "serving_default", {"x": sample(case, length, rng)[None]}
            for chunk in CHUNKS if steps is True else (steps,) * len(CHUNKS):
                yield "stream", {"x": sample(case, chunk, rng)[None]}

    options = {"streaming": steps}
    model = stack(*layers)
    return Case(name, model, False, masked, options=options, lengths=WHOLE, plan=plan)


def _module(_: Any) -> Any:
    """An encoder that gives its last states, and a decoder that goes on from them."""
    import tensorflow as tf

    frames = tf.TensorSpec([1, None, FEATURES], tf.float32, name="frames")
    state = tf.TensorSpec([1, UNITS], tf.float32, name="h")

    class Pair(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            rng = np.random.default_rng(0)
            sizes = {"w": (FEATURES, UNITS), "u": (UNITS, UNITS), "dense": (UNITS, CLASSES)}
            for name, size in sizes.items():
                values = (0.3 * rng.standard_normal(size)).astype(np.float32)
                setattr(self, name, tf.Variable(values))

        def loop(self, frames: Any, h: Any) -> tuple[Any, Any]:
            count = tf.shape(frames)[1]
            rows = tf.TensorArray(tf.float32, count).unstack(tf.transpose(frames, [1, 0, 2]))
            found = tf.TensorArray(tf.float32, count)

            def step(t: Any, h: Any, found: Any) -> Any:
                h = tf.tanh(rows.read(t) @ self.w + h @ self.u)
                return t + 1, h, found.write(t, h)

            _, h, found = tf.while_loop(lambda t, *_: t < count, step, (0, h, found))
            return tf.transpose(found.stack(), [1, 0, 2]), h

        @tf.function(input_signature=[frames])
        def encode(self, frames: Any) -> Any:
            rows, h = self.loop(frames, tf.zeros([1, UNITS]))
            return {"rows": rows, "h": h}

        @tf.function(input_signature=[frames, state])
        def decode(self, frames: Any, h: Any) -> Any:
            rows, _ = self.loop(frames, h)
            return {"scores": tf.nn.softmax(tf.tensordot(rows, self.dense, 1))}

    return Pair()


def _feeds(signature: str, length: int, rng: Any) -> Arrays:
    """One sample of a signature of `_module`, without batch axis."""
    found = {"frames": rng.standard_normal((length, FEATURES)).astype(np.float32)}
    if signature == "decode":
        found["h"] = rng.uniform(-0.6, 0.6, UNITS).astype(np.float32)
    return found


def _by_turns(_: Case, rng: Any) -> Iterator[tuple[str, Arrays]]:
    for k, length in enumerate((17, 5, 1, 64, 300, 2, 100, 9, 17)):
        signature = ("encode", "decode")[k % 2]
        yield signature, {n: a[None] for n, a in _feeds(signature, length, rng).items()}


def _calibration(rng: Any) -> Any:
    lengths = (5, 17, 30, 64) * 6
    return {
        signature: [_feeds(signature, t, rng) for t in lengths]
        for signature in ("encode", "decode")
    }


CASES: tuple[Case, ...] = (
    _streamed(
        "stream",
        lambda k: k.LSTM(16, return_sequences=True),
        lambda k: k.GRU(12, return_sequences=True),
        lambda k: k.Dense(4),
    ),
    _streamed(
        "stream with look-ahead",
        lambda k: k.Conv1D(8, 3, padding="same", activation="relu"),
        lambda k: k.LSTM(12),
    ),
    _streamed(
        "stream, masked",
        lambda k: k.Masking(),
        lambda k: k.GRU(16, return_sequences=True),
        masked=True,
    ),
    _streamed(
        "stream of single steps",
        lambda k: k.LSTM(16, return_sequences=True),
        lambda k: k.Dense(8, activation="relu"),
        lambda k: k.GRU(12, return_sequences=True),
        steps=1,
    ),
    Case(
        "two functions",
        _module,
        options={"signature": "all"},
        modes=MODES,
        plan=_by_turns,
        calibration=_calibration,
    ),
)


def expected(case: Case, data: bytes, rng: Any, *, delegates: bool = False) -> Arrays:
    """Inputs and outputs of each call here, each by a fresh interpreter, and the signature's name.

    Raw integers at integer borders; states of a stream go in as they came out.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    resolver = OpResolverType.AUTO if delegates else plain
    kept = _initial(data)
    arrays: Arrays = {}
    assert case.plan is not None
    for k, (signature, given) in enumerate(case.plan(case, rng)):
        interpreter = Interpreter(model_content=data, experimental_op_resolver_type=resolver)
        run = interpreter.get_signature_runner(signature)
        inputs = {n: _raw(given.get(n, kept.get(n)), d) for n, d in run.get_input_details().items()}
        outputs = run(**inputs)
        kept.update({n: a for n, a in outputs.items() if n.startswith(STATE)})
        arrays[f"signature/{k}"] = np.array(signature)
        arrays.update({f"in/{k}/{n}": a for n, a in inputs.items()})
        arrays.update({f"out/{k}/{n}": a for n, a in outputs.items()})
    return arrays


def _initial(data: bytes) -> Arrays:
    """The states that a stream begins with; none where the file has no stream."""
    with rnnlite.load(data) as model:
        if "stream" not in model.signatures:
            return {}
        return {n: a for n, a in model.stream().state.items() if n.startswith(STATE)}


def _raw(value: Any, detail: dict[str, Any]) -> npt.NDArray[Any]:
    """An input in the file's own type."""
    value = np.asarray(value)
    scale, zero_point = detail["quantization"]
    if not scale or value.dtype == detail["dtype"]:
        return value
    limits = np.iinfo(detail["dtype"])
    whole = np.clip(np.round(value / scale) + zero_point, limits.min, limits.max)
    return whole.astype(detail["dtype"])
