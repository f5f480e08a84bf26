"""Read a loop as a recurrence over time.

What enters: a `Loop`. What is looked for: a counter that starts at 0 and grows by 1, a bound on the
counter in the condition, sequences whose row at the counter is read, and sequences whose row at the
counter is written. All other variables are states. What leaves: a `Reading`; or `NotAScan` with the
reason.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from rnnlite.loops.bounds import count_of
from rnnlite.loops.loop import Loop, Rows, Variable
from rnnlite.loops.nodes import Kind, Node, Ref
from rnnlite.loops.not_a_scan import NotAScan
from rnnlite.loops.walks import nodes_of, origin, reached
from rnnlite.scan.tensors import Count, Integer

__all__ = ["NotAScan", "Reading", "read"]


@dataclass(eq=False)
class Reading:
    """What the variables of a loop are.

    Attributes:
        count: number of iterations.
        invariants: variables that never change.
        counters: variables that grow by one at each iteration -> their first value.
        written: arrays that are written at the counter -> the reference to the row.
        last: arrays of one row that each iteration overwrites -> the state that equals this row.
        states: all other variables.
        arrays: references in the body to arrays that never change and hold rows, each with the axis
            that its rows lie along.
        rows: references to a row that the body reads at the counter -> the array.
    """

    count: Count
    invariants: list[Variable] = field(default_factory=list)
    counters: dict[Variable, Integer] = field(default_factory=dict)
    written: dict[Variable, Ref] = field(default_factory=dict)
    last: dict[Variable, Variable] = field(default_factory=dict)
    states: list[Variable] = field(default_factory=list)
    arrays: dict[tuple[Ref, int], Rows] = field(default_factory=dict)
    rows: dict[Ref, Rows] = field(default_factory=dict)


def read(loop: Loop) -> Reading | NotAScan:
    """Find which variables of a loop are counters, sequences, states, or never change."""
    reading = Reading(0)
    body = loop.body
    for variable in loop.variables:
        if origin(body, variable.update) == origin(body, variable.argument):
            reading.invariants.append(variable)
        elif (start := _counter(loop, variable)) is not None:
            reading.counters[variable] = start
    zero = {v.argument for v, start in reading.counters.items() if start == 0}
    zero |= {origin(body, ref) for ref in zero}
    if not zero:
        return NotAScan("no variable counts the time steps from 0")
    rest = [v for v in loop.variables if v not in reading.invariants and v not in reading.counters]
    reading.states = [v for v in rest if v.rows is None]
    for variable in rest:
        if variable.rows is None:
            continue
        same = _overwritten(loop, variable, variable.rows, reading.states)
        if same is not None:
            reading.last[variable] = same
            continue
        row = _row(loop, variable, variable.rows, zero)
        if isinstance(row, NotAScan):
            return row
        reading.written[variable] = row
    count = count_of(loop, reading.counters, reading.invariants)
    if isinstance(count, NotAScan):
        return count
    if isinstance(count, int) and count == 0:
        return NotAScan("it makes no iteration")
    reading.count = count
    return _find_reads(loop, reading, zero) or reading


def _counter(loop: Loop, variable: Variable) -> Integer | None:
    """The number that a counter starts from, of its type, or None where it is none."""
    if variable.rows is not None:
        return None
    start = loop.body.known(variable.initial)
    if start is None or start.ndim or start.dtype.kind not in "iu":
        return None
    node = _maker(loop, variable.update)
    if node is None or node.kind is not Kind.ADD:
        return None
    a, b = (origin(loop.body, r) for r in node.operands)
    if b == variable.argument:
        a, b = b, a
    one = a == variable.argument and _number(loop, b) == 1
    return start.dtype.type(start) if one else None


def _maker(loop: Loop, ref: Ref) -> Node | None:
    """The node that makes a value, behind those that hand it on."""
    return loop.body.node(origin(loop.body, ref))


def _row(loop: Loop, variable: Variable, rows: Rows, zero: Collection[Ref]) -> Ref | NotAScan:
    """Reference to the row that is written at each iteration."""
    node = _maker(loop, variable.update)
    if node is None or node.kind is not Kind.WRITE_ROW:
        return NotAScan(f"'{rows.name}' is not written once at each turn")
    array, index, row = node.operands
    if origin(loop.body, array) != origin(loop.body, variable.argument):
        return NotAScan(f"'{rows.name}' is written more than once a turn")
    if origin(loop.body, index) not in zero:
        return NotAScan(f"'{rows.name}' is not written at the counter")
    return row


def _overwritten(
    loop: Loop, variable: Variable, rows: Rows, states: Sequence[Variable]
) -> Variable | None:
    """The state that an array of one row always holds, as Keras keeps a last output."""
    node = _maker(loop, variable.update)
    if node is None or node.kind is not Kind.WRITE_ROW:
        return None
    if not isinstance(rows.size, int) or rows.size != 1:
        return None
    body = loop.body
    array, index, row = node.operands
    if _number(loop, origin(body, index)) != 0:
        return None
    if origin(body, array) != origin(body, variable.argument):
        return None
    return next((s for s in states if origin(body, s.update) == origin(body, row)), None)


def _number(loop: Loop, ref: Ref) -> int | None:
    """The value of a scalar that the body reads, where it is known."""
    node = loop.body.node(ref)
    value = None
    if node is not None and node.kind is Kind.CONSTANT:
        value = node.value
    elif ref in loop.outside:
        value = loop.body.known(loop.body.value(ref))
    else:
        for variable in loop.variables:
            if variable.argument == ref and origin(loop.body, variable.update) == ref:
                value = loop.body.known(variable.initial)
    return int(value) if value is not None and value.ndim == 0 else None


def _find_reads(loop: Loop, reading: Reading, zero: Collection[Ref]) -> NotAScan | None:
    """Find what is read at the counter; refuse what is read of an array that the loop writes."""
    wanted = [v.update for v in reading.states] + list(reading.written.values())
    arrays = dict(loop.arrays)
    arrays |= {v.argument: v.rows for v in reading.invariants if v.rows is not None}
    reading.arrays = {(r, 0): a for r, a in arrays.items() if a.content is not None}
    bound = loop.body.bind({v.argument: v.initial for v in reading.invariants})
    varying = {v.argument for v in loop.variables if v not in reading.invariants}
    changing = {v.argument: v.rows for v in (*reading.written, *reading.last)}
    for node in nodes_of(loop.body, wanted):
        for rows in filter(None, map(changing.get, node.reads)):
            return NotAScan(f"'{rows.name}' is read in the loop that writes it")
        axis = _axis_of_rows(loop, node)
        if axis is None:
            continue
        array, index = (origin(loop.body, r) for r in node.operands)
        read_here = node.kind is Kind.READ_ROW or index in zero
        met = array in arrays or (array, axis) in reading.arrays
        fixed = read_here and not met and not reached(loop.body, array, varying)
        # Along another axis than the first, the rank has to be known.
        if fixed and (not axis or bound.shape(array) is not None):
            # A tensor from outside serves as an array of rows.
            rows = loop.tensors.as_rows(bound.value(array), node.name, axis)
            reading.arrays[array, axis] = rows
        if index in zero and (array, axis) in reading.arrays:
            reading.rows[node.result] = reading.arrays[array, axis]
    return None


def _axis_of_rows(loop: Loop, node: Node) -> int | None:
    """Along which axis a node takes the row that one index says; None where it takes none."""
    axis = node.axis
    if node.kind is Kind.READ_ROW:
        return axis if isinstance(axis, int) else 0
    if node.kind is not Kind.GATHER or axis is None:
        return None
    found = axis if isinstance(axis, int) else _number(loop, origin(loop.body, axis))
    return found if found is not None and found >= 0 else None
