"""A sequence fed to an `Emission` in parts: what is given is what `Rows` says, row by row."""

import numpy as np
import tensorflow as tf

from rnnlite.streaming.clock import END


def walked(emission, tensors, arrays, parts, end=None):
    """What tensors of the chunk give for each part of a sequence, a list for each.

    Args:
        arrays: the whole of each input.
        parts: steps of each chunk.
        end: of the sequence, where the clock asks; None: it is not known.
    """
    mine = {x.op.name for x in emission.chunks}
    placeholders = [op for op in emission.graph.get_operations() if op.type == "Placeholder"]
    holders = [op.outputs[0] for op in placeholders if op.name not in mine]
    with emission.graph.as_default():
        after = emission.states.after()
    now = [
        np.full([d or 1 for d in s.shape], s.initial, s.dtype)
        if end is None or not s.name.endswith(f"/{END}")
        else np.array([end], np.int32)
        for s in emission.states.met
    ]
    found, begin = [], 0
    with tf.compat.v1.Session(graph=emission.graph) as session:
        for part in parts:
            feed = dict(zip(holders, now, strict=True))
            for holder, a, t in zip(emission.chunks, arrays, times(emission), strict=True):
                feed[holder] = a if t is None else np.take(a, range(begin, begin + part), t)
            given, now = session.run([list(tensors), after], feed)
            found.append(given)
            begin += part
    return [list(x) for x in zip(*found, strict=True)]


def times(emission):
    """The axis of time of each input, or None."""
    free = [
        [a for a, d in enumerate(p.shape) if d is None and a != p.batch_axis]
        for p in emission.net.inputs
    ]
    return [axes[0] if axes else None for axes in free]


def follows(emission, steps=18, parts=(6, 12), low=None):
    """Row t of the stream is row t - delay of the whole sequence's tensor, for every output; there
    are as many as `Rows.length` says. Beyond the end NaN is fed, which nobody may step on, or the
    id 0. Gives the rows of the outputs.

    Args:
        steps: of the sequence, all parts together.
        low: of whole numbers, the number behind the largest.
    """
    rng = np.random.default_rng(0)
    values = [emission.value(k) for k in range(len(emission.net.outputs))]
    unit = int(np.lcm.reduce([v.rows.stride for v in values]))
    more = -(-max(v.rows.lacking(steps) for v in values) // unit) * unit
    arrays, fed = [], []
    for x, t in zip(emission.net.inputs, times(emission), strict=True):
        shape = [steps if d is None else d for d in x.shape]
        a = rng.integers(0, low or 2, shape) if "int" in x.dtype else rng.standard_normal(shape)
        arrays.append(a.astype(x.dtype))
        if t is None:
            fed.append(arrays[-1])
            continue
        beyond = np.zeros_like(np.take(a, [0] * more, t), x.dtype)
        fed.append(np.concatenate([arrays[-1], beyond if "int" in x.dtype else beyond + np.nan], t))
    cut = [*parts, *([more] if more else [])]
    found = walked(emission, [v.tensor for v in values], fed, cut, steps)
    for value, given, whole in zip(values, found, emission.net.reference(arrays), strict=True):
        rows, whole = value.rows, np.asarray(whole)
        assert whole.shape[rows.axis] == rows.length(steps)
        seen = range(rows.delay, rows.delay + rows.length(steps))
        given = np.take(np.concatenate(given, rows.axis), seen, rows.axis)
        np.testing.assert_allclose(given, whole, rtol=1e-5, atol=1e-5)
    return [v.rows for v in values]


def kept(emission):
    """The states met so far, without the clock's: what they are called last -> shape."""
    names = {s.name.rpartition("/")[2]: s.shape for s in emission.states.met}
    return {name: shape for name, shape in names.items() if name not in ("steps", "end")}
