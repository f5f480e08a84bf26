"""A Scan of one time step: no loop.

What enters: a `Step` and its projected inputs, all of one row. What leaves: the Scan's results.
"""

from __future__ import annotations

import tensorflow as tf

from rnnlite.lowering.marks import STEP, Mark, encode
from rnnlite.lowering.step import Step
from rnnlite.lowering.tensors import cut, select
from rnnlite.scan.scan import ScanResult, Tensor


def is_single(step: Step) -> bool:
    """Whether the Scan has one time step: its inputs, their projection and its mask."""
    mask = step.scan.mask
    read = [*step.scan.inputs, *step.rows, *([] if mask is None else [mask])]
    return all(bool(x.shape[0] == 1) for x in read)


def run_once(step: Step, projected: list[Tensor], number: int) -> ScanResult:
    """Emit the one step.

    Args:
        number: the number of the Scan, with which the ops are marked.
    """
    scan = step.scan
    graph = tf.compat.v1.get_default_graph()
    outer = graph.get_name_scope()
    with tf.name_scope("step") as scope:
        mark = encode(Mark(number, outer, 0, 1, steps=(scope,)))
        with graph._attr_scope({STEP: tf.compat.v1.AttrValue(s=mark)}):
            rows = [part for p in projected for part in cut(tf.squeeze(p, [0]), step.cell.cuts)]
            keep = None if scan.mask is None else tf.squeeze(scan.mask, [0])
            before: list[Tensor] = []
            if step.carries_output:
                before = list(scan.previous or [])
                if scan.previous is None:
                    shapes = zip(step.output_shapes(), step.outputs, strict=True)
                    before = [tf.zeros(s, y.dtype) for s, y in shapes]
            states, outputs = step.take(rows, keep, list(scan.initial_states), before)
            written = step.written(outputs, states, keep)
            last: list[Tensor] = outputs if step.carries_output else []
            if not step.carries_output and scan.last_output:
                last = [states[step.state_of_output()]]
            if keep is not None and scan.zero_output_for_mask:
                last = [select(keep, y, tf.zeros_like(y)) for y in last]
    return ScanResult(
        last=tuple(last),
        outputs=tuple(tf.expand_dims(y, 0) for y in written) if scan.all_outputs else None,
        states=tuple(states),
    )
