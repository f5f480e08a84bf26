"""From a Scan to plain TensorFlow ops that the official converter turns into builtin LiteRT ops.

What enters: a `Scan` and `Options`. What leaves: its results and its `Schedule`. `lowering.step`
makes a step, `lowering.loops` the loops over steps, `lowering.without_loop` a single step.
"""

from __future__ import annotations

from dataclasses import replace

from rnnlite.lowering.cost_model import choose
from rnnlite.lowering.loops import Loops
from rnnlite.lowering.marks import next_number
from rnnlite.lowering.schedule import Options, Schedule
from rnnlite.lowering.step import Step
from rnnlite.lowering.survey import Survey
from rnnlite.lowering.tensors import kept_apart
from rnnlite.lowering.without_loop import is_single, run_once
from rnnlite.scan.scan import Scan, ScanResult


def lower(scan: Scan, options: Options | Survey) -> tuple[ScanResult, Schedule]:
    """Lower one Scan in the current graph; gives its results and the schedule that was chosen.

    Args:
        scan: the recurrence; its tensors are of the current graph.
        options: what the caller decides; or a `Survey`, which notes the Scan and gives stand-ins.

    Raises:
        UnsupportedError: the cell changes the shape or dtype of its state.
    """
    if not isinstance(options, Survey) and options.streamed:
        scan = replace(scan, inputs=tuple(map(kept_apart, scan.inputs)))
    step = Step(scan)
    if isinstance(options, Survey):
        return options.stand_in(step), Schedule()
    schedule = choose(step.costs(), options)
    if is_single(step):
        schedule = Schedule(projection=schedule.projection, remainder_rows=schedule.remainder_rows)
        projected = step.projected(schedule)
        number = next_number()
        result = run_once(step, projected or [], number)
    else:
        projected = step.projected(schedule)
        loops = Loops(step, projected, schedule)
        number, result = loops.number, loops.run()
    made = replace(result, step=step.traced, number=number, projected=tuple(projected or ()))
    return made, schedule
