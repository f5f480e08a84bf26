"""One chunk of a function, emitted tensor by tensor: each value is looked at as it stands."""

import numpy as np
import tensorflow as tf

from rnnlite.lengths.analysis import Analysis
from rnnlite.lengths.sizes import Axis, free
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.clock import ENDLESS, Clock
from rnnlite.streaming.emit import TIME, Emitter
from rnnlite.streaming.function import options_of_chunk, times_of
from rnnlite.streaming.recurrences import emit_scan
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.states import States
from rnnlite.streaming.values import Static, Timed
from streaming.chunks import program, simple


class Emission:
    """A function of whole sequences, and an emitter of its chunk in a graph of its own.

    Args:
        function: of tensors.
        shapes: of its inputs; the first free axis that is no batch is time.
        chunk: steps of a chunk, or None for any.
        tail: whether steps are fed beyond the end.
        rows: where the rows of the first input stand; None: as they come.
        options: of `program`.
        loops: whether the function takes `recur`.

    Attributes:
        emitter: of the chunk.
        chunks: placeholders of the inputs in the graph of the chunk.
        states: those met so far.
    """

    def __init__(
        self, function, *shapes, chunk=4, tail=False, rows=None, loops=False, place=None, **options
    ):
        net = program(function if loops else simple(function), *shapes, **options)
        self.net, times = net, times_of(net)
        sizes = [
            tuple(
                free(TIME if a == t else Axis(k, a)) if d is None else d
                for a, d in enumerate(p.shape)
            )
            for k, (p, t) in enumerate(zip(net.inputs, times, strict=True))
        ]
        concrete = net.function
        analysis = Analysis(
            concrete.graph, list(zip(concrete.inputs, sizes, strict=False)), net.scans
        )
        self.graph = tf.Graph()
        self.states = States()
        with self.graph.as_default():
            self.chunks = [
                tf.compat.v1.placeholder(
                    p.dtype, [chunk if a == t else d for a, d in enumerate(p.shape)]
                )
                for p, t in zip(net.inputs, times, strict=True)
            ]
            first = next(k for k, t in enumerate(times) if t is not None)
            self.clock = Clock(self.states, tail=tail, chunk=(self.chunks[first], times[first]))
            given = [
                Static(x) if t is None else Timed(x, Rows(t))
                for x, t in zip(self.chunks, times, strict=True)
            ]
            if rows is not None:
                given[first] = Timed(self.chunks[first], rows)
            self.emitter = Emitter(
                concrete,
                given,
                analysis=analysis,
                recurrences=net.scans,
                states=self.states,
                clock=self.clock,
                place=place or net.place,
                options=options_of_chunk(Options(), chunk),
                emit_scan=emit_scan,
            )

    def value(self, output=0):
        """What stands for an output, or for a tensor of the whole function."""
        tensor = self.net.function.outputs[output] if isinstance(output, int) else output
        with self.graph.as_default():
            return self.emitter.value(tensor)

    def op(self, kind):
        """The one op of a kind in the whole function."""
        (found,) = [op for op in self.net.function.graph.get_operations() if op.type == kind]
        return found

    def run(self, tensor, *arrays, steps=0, end=ENDLESS, **states):
        """A tensor of the chunk, of given chunks; states are zero, or as given by their last name.

        Args:
            steps, end: of the clock.
        """
        feed = dict(zip(self.chunks, arrays, strict=True))
        known = {"steps": [steps], "end": [end], **states}
        held = [op for op in self.graph.get_operations() if op.type == "Placeholder"]
        names = [s.name.rpartition("/")[2] for s in self.states.met]
        mine = {t.op.name for t in self.chunks}
        for name, op in zip(names, [o for o in held if o.name not in mine], strict=True):
            holder = op.outputs[0]
            number = known.get(name, np.zeros([d or 1 for d in holder.shape]))
            feed[holder] = np.asarray(number, holder.dtype.as_numpy_dtype)
        with tf.compat.v1.Session(graph=self.graph) as session:
            return session.run(tensor, feed)


def kinds(emission):
    """The kinds of ops in the graph of the chunk."""
    return [op.type for op in emission.graph.get_operations()]
