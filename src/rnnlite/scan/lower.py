"""From a Scan to plain TensorFlow ops that the official converter turns into builtin LiteRT ops.

What enters: a `Scan` and `Options`. What leaves: its results and its `Schedule`. A step is made in
`scan.step`, the loops over steps in `scan.loops`.
"""

from __future__ import annotations

from rnnlite.scan.choice import choose
from rnnlite.scan.loops import Loops
from rnnlite.scan.scan import Scan, ScanResult
from rnnlite.scan.schedule import Options, Schedule
from rnnlite.scan.step import Step


def lower(scan: Scan, options: Options) -> tuple[ScanResult, Schedule]:
    """Lower one Scan in the current graph; gives the schedule that was chosen as well.

    Raises:
        UnsupportedError: the cell changes the shape or dtype of its state.
    """
    step = Step(scan)
    schedule = choose(step.costs(), options)
    return Loops(step, step.projected(schedule), schedule).run(), schedule
