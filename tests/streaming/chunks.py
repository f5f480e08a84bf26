"""Functions of whole sequences, built in code, streamed at the level of TensorFlow: no file."""

import numpy as np
import tensorflow as tf

from rnnlite.frontends.functions import runner, trace
from rnnlite.frontends.program import Entry
from rnnlite.lengths.tracing import lengths_of
from rnnlite.lowering.lower import lower
from rnnlite.lowering.schedule import Options
from rnnlite.runtime.signatures import StreamSignature
from rnnlite.runtime.stream import Stream
from rnnlite.scan.scan import Lowered
from rnnlite.specs import TensorSpec
from rnnlite.streaming.function import streamed


def program(function, *shapes, dtype="float32", batch=0):
    """A Program of a function of tensors, of a list of recurrences that it fills in, and its own
    whole computation as the reference."""
    specs = [
        TensorSpec(f"x{k}", tuple(s), dtype, batch_axis=batch if len(s) > 1 else None)
        for k, s in enumerate(shapes)
    ]
    scans = []

    def call(tensors):
        found = function(*tensors, recur=lambda scan: _lowered(scan, scans))
        return list(found) if isinstance(found, (list, tuple)) else [found]

    concrete = trace(call, specs, autograph=False)
    outputs = [
        TensorSpec(
            f"y{k}", tuple(t.shape), t.dtype.name, batch_axis=batch if t.shape.rank else None
        )
        for k, t in enumerate(concrete.outputs)
    ]
    return Entry(
        origin="a function",
        inputs=tuple(specs),
        outputs=tuple(outputs),
        function=concrete,
        reference=runner(concrete),
        perturbed=lambda amount, seed: runner(concrete),
        recurrences=(),
        lengths=lengths_of(concrete, specs, scans),
        scans=tuple(scans),
        place=lambda op: f"op '{op}'",
    )


def _lowered(scan, scans):
    result, schedule = lower(scan, Options())
    scans.append(Lowered(scan, result, schedule.unroll, schedule.thresholds))
    return result


def simple(function):
    """A function without recurrences as `program` wants it."""
    return lambda *tensors, recur: function(*tensors)


def stream_of(program, chunk=None, batch=1):
    """A Stream over the function of a chunk, run by TensorFlow."""
    found = streamed(program, chunk, Options())
    count, results = len(program.inputs), len(program.outputs)

    def plain(spec):
        return TensorSpec(spec.name, spec.shape, spec.dtype, batch_axis=spec.batch_axis)

    signature = StreamSignature(
        found.layout,
        tuple(map(plain, found.inputs[:count])),
        tuple(map(plain, found.outputs[:results])),
        tuple(map(plain, found.inputs[count:])),
    )
    return Stream(signature, runner(found.function), batch)


def cuttings(steps, multiple, seed):
    """Ways to cut a sequence: steps of one, the whole, at random."""
    rng = np.random.default_rng(seed)
    yield [multiple] * (steps // multiple)
    yield [steps]
    parts = []
    while sum(parts) < steps:
        parts.append(min(multiple * int(rng.integers(1, 6)), steps - sum(parts)))
    yield parts


def check(program, chunk=None, least=1, high=5, tolerance=1e-5, batch=1):
    """What chunks and the end give, put together, is what the whole gives. Gives the stream.

    Several sequences have the axis of the batch in front, and an axis of time behind it.
    """
    stream = stream_of(program, chunk, batch)
    layout = stream.signature.layout
    for n in (least, least + 1, 23):
        steps = -(-n // stream.multiple) * stream.multiple
        rng = np.random.default_rng(n)
        whole = []
        for spec, end in zip(program.inputs, layout.inputs, strict=True):
            shape = [steps if k == end.time else d or batch for k, d in enumerate(spec.shape)]
            numbers = rng.integers(0, high, shape)
            kind = np.dtype(spec.dtype).kind
            whole.append(
                (numbers if kind == "i" else rng.standard_normal(shape)).astype(spec.dtype)
            )
        expected = program.reference(whole)
        for parts in cuttings(steps, stream.multiple, n):
            stream.reset()
            found, begin = [], 0
            for part in parts:
                cut = [
                    a if end.time is None else np.take(a, range(begin, begin + part), end.time)
                    for a, end in zip(whole, layout.inputs, strict=True)
                ]
                found.append(stream(_sample(program.inputs, cut) if batch == 1 else cut[0]))
                begin += part
            found.append(stream.finish())
            _compare(program, layout, found, expected, tolerance, batch)
    return stream


def _sample(specs, arrays):
    rows = [
        a if p.batch_axis is None else np.take(a, 0, p.batch_axis)
        for a, p in zip(arrays, specs, strict=True)
    ]
    return rows[0] if len(rows) == 1 else tuple(rows)


def _compare(program, layout, found, expected, tolerance, batch):
    for spec, output, whole in zip(program.outputs, layout.outputs, expected, strict=True):
        values = [f[spec.name] if isinstance(f, dict) else f for f in found]
        if batch == 1 and spec.batch_axis is not None and whole.ndim:
            whole = np.take(whole, 0, spec.batch_axis)
        if output.so_far:
            given = values[-1]
        else:
            axis = output.rows.axis
            moved = batch == 1 and spec.batch_axis is not None and spec.batch_axis < axis
            given = np.concatenate(values, axis - moved)
        assert given.shape == whole.shape
        scale = max(float(np.max(np.abs(whole), initial=0)), 1e-6)
        np.testing.assert_allclose(given, whole, rtol=0, atol=tolerance * scale)


def kernel(*shape, seed=0):
    """Weights."""
    return tf.constant(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))
