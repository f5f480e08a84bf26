"""Lower the recurrences of a model while it is traced, and keep a record of each.

What enters: Scans, in the order in which a trace meets them. What leaves: their results as tensors
of the current graph, and a record of each for the report.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rnnlite.lowering.lower import lower
from rnnlite.lowering.schedule import Options, Schedule
from rnnlite.lowering.survey import Survey
from rnnlite.scan.projection import Projection
from rnnlite.scan.scan import Lowered, Recurrence, Scan, ScanResult


@dataclass(eq=False)
class Recurrences:
    """The recurrences of a model that is traced, in the order in which they are met.

    Attributes:
        options: what the caller decides about loops; or a Survey, which only counts them.
        records: what the report says of each recurrence.
        lowered: each Scan, with its results in the graph that is traced.
    """

    options: Options | Survey
    records: list[Recurrence] = field(default_factory=list)
    lowered: list[Lowered] = field(default_factory=list)

    def lower(self, scan: Scan) -> ScanResult:
        """Emit a Scan in the current graph."""
        result, schedule = lower(scan, self.options)
        self.add(scan, result, schedule)
        return result

    def add(self, scan: Scan, result: ScanResult, schedule: Schedule) -> None:
        """Keep a record of a Scan that was lowered."""
        record = Recurrence(
            name=scan.name,
            kind=scan.cell.kind,
            units=scan.cell.units,
            direction="backward" if scan.reverse else "forward",
            outputs="all" if scan.all_outputs else "last",
            masked=scan.mask is not None,
            hoisted=scan.cell.hoisted and schedule.projection is Projection.HOISTED,
            unroll=schedule.unroll,
            thresholds=schedule.thresholds,
            schedule=str(schedule),
        )
        self.lowered.append(Lowered(scan, result, schedule.unroll, schedule.thresholds, record))
        self.records.append(record)
