"""Compute shapes by ops that the runtime computes before a run.

What enters: a model. What leaves: an equal one, whose main graph computes shapes by these ops
alone:

    SHAPE, STRIDED_SLICE, RESHAPE, GATHER, CONCATENATION, MUL, REDUCE_PROD

    before                                    after
    PACK(1, T, 6)                             CONCATENATION([1], [T], [6])
    a + b                                     SHAPE(CONCATENATION(FILL(a), FILL(b)))
    a - b                                     SHAPE(FILL(a)[b:])
    floor(a / 3)                              SHAPE(FILL(a)[2::3])
    max(a, b)                                 SHAPE(CONCATENATION(FILL(b), FILL(a)[b:]))

Of a FILL, only the length is used, never the content. The runtime computes all other ops while the
model runs, too late: ops behind have no known shape before the run, and LiteRT's CompiledModel
makes the buffers of results in the sizes of the last run (`lite.at_allocation`). A shape whose
sizes `lite.sizes` cannot follow stays as it is.
"""

from __future__ import annotations

import numpy as np

from rnnlite.errors import InternalError
from rnnlite.lengths.sizes import Atom, Axis, Expression, Floor, Larger, Size
from rnnlite.lite.at_allocation import CONSTANT, AtAllocation
from rnnlite.lite.ir import Builder, Graph, Model, Op, Value
from rnnlite.lite.schema import type_number
from rnnlite.lite.sizes import ARITHMETIC, Sizes

_PURE = {*ARITHMETIC, "CAST", "CONCATENATION", "GATHER", "PACK", "RESHAPE", "SHAPE", "SLICE"}
_PURE |= {"EXPAND_DIMS", "SQUEEZE", "STRIDED_SLICE", "UNPACK", "REDUCE_PROD"}
"""Ops that go when nobody reads them any more."""


def settle_shapes(model: Model) -> None:
    """Rewrite the shapes of the main graph as above, in place."""
    graph = model.main
    known, sizes = AtAllocation(), Sizes()
    shapes: dict[Value, Value] = {}
    changed = False
    for op in graph.ops:
        if op.kind in CONSTANT:
            continue
        for place in known.open_shapes(op):
            settled = _Settling(graph, op, sizes, shapes).value(op.input(place))
            if settled is not None:
                op.set_input(place, settled)
                changed = True
    if changed:
        _drop_unread(graph)


def _drop_unread(graph: Graph) -> None:
    for op in reversed(graph.ops):
        integers = all(v.type in ("int32", "int64") for v in op.outputs)
        if integers and op.kind in _PURE and not any(v.is_read for v in op.outputs):
            graph.remove(op)


class _CannotSay(Exception):  # noqa: N818 - no error: the shape stays as it is
    """A size has no such form."""


class _Settling:
    """Makes sizes in front of one op.

    Args:
        graph: the graph.
        before: the op.
        sizes: of its values.
        shapes: the SHAPEs that were made already.
    """

    def __init__(self, graph: Graph, before: Op, sizes: Sizes, shapes: dict[Value, Value]) -> None:
        self.sizes = sizes
        self.shapes = shapes
        self.builder = Builder(graph, before)

    def value(self, value: Value) -> Value | None:
        """The same numbers from ops that are computed before a run; None where no ops give them."""
        numbers = self.sizes.of(value)
        if numbers is None or value.type != "int32" or not numbers:
            return None
        if any(isinstance(n, int) and n < -1 for n in numbers):
            return None
        try:
            plans = [_Plan.of(n) for n in numbers]
        except _CannotSay:
            return None
        parts = [self._vector(p) for p in plans]
        joined = parts[0] if len(parts) == 1 else self._joined(parts)
        if value.rank == 1:
            return joined
        if not value.rank:
            # A RESHAPE to a scalar is computed late: its shape has no buffer.
            first = [self.builder.constant([k]) for k in (0, 1, 1)]
            return self.builder.make("STRIDED_SLICE", [joined, *first], shrinkAxisMask=1)
        shape = self.builder.constant(list(value.dims))
        return self.builder.make("RESHAPE", [joined, shape], value.dims)

    def _joined(self, parts: list[Value]) -> Value:
        return self.builder.make("CONCATENATION", parts, [len(parts)], axis=0)

    def _vector(self, plan: _Plan) -> Value:
        """A number as a vector of one element."""
        if not plan.less and len(plan.more) == 1 and not plan.at_least:
            return self._term(plan.more[0])
        if not plan.more and not plan.less and not plan.at_least:
            return self.builder.constant([0])
        return self._length(self._length_vector_of(plan))

    def _term(self, term: _Term) -> Value:
        """A product of atoms and a number."""
        if not term.atoms:
            return self.builder.constant([term.factor])
        product = self._atom(term.atoms[0])
        for atom in term.atoms[1:]:
            product = self.builder.make("MUL", [product, self._atom(atom)], [1])
        if term.factor != 1:
            factor = self.builder.constant([term.factor])
            product = self.builder.make("MUL", [product, factor], [1])
        return product

    def _atom(self, atom: Atom) -> Value:
        if isinstance(atom, Axis):
            return self._size(self.sizes.owner(atom), atom.axis)
        if isinstance(atom, Floor):
            vector = self._length_vector_of(_Plan.of(atom.of))
            by = self.builder.constant([atom.by])
            first = self.builder.constant([atom.by - 1])
            return self._length(self._cut(vector, first, by))
        if isinstance(atom, Larger):
            return self._length(self._length_vector_of(_Plan.of_larger(atom)))
        raise InternalError(f"{atom!r} was planned")

    def _size(self, value: Value, axis: int) -> Value:
        # One SHAPE of a value, for all that is settled in front of this op or a later one.
        if value not in self.shapes:
            rank = value.rank
            outcome = type_number("int32")
            self.shapes[value] = self.builder.make("SHAPE", [value], [rank], outType=outcome)
        ends = [self.builder.constant([k]) for k in (axis, axis + 1, 1)]
        return self.builder.make("STRIDED_SLICE", [self.shapes[value], *ends], [1])

    # Shape-only length vectors: their elements are all 1.

    def _length_vector_of(self, plan: _Plan) -> Value:
        """As long as a number; at least `plan.at_least`."""
        parts = [self._ones(self._term(t)) for t in plan.more]
        vector = parts[0] if len(parts) == 1 else self._laid(parts)
        less = [*plan.less]
        if plan.at_least:
            less.append(_Term((), plan.at_least))
        for term in less:
            vector = self._cut(vector, self._term(term), self.builder.constant([1]))
        if plan.at_least:
            least = self._ones(self._term(_Term((), plan.at_least)))
            vector = self._laid([least, vector])
        return vector

    def _ones(self, length: Value) -> Value:
        one = self.builder.constant(1)
        return self.builder.make("FILL", [length, one], [1], free=True)

    def _laid(self, parts: list[Value]) -> Value:
        return self.builder.make("CONCATENATION", parts, [1], free=True, axis=0)

    def _cut(self, vector: Value, first: Value, step: Value) -> Value:
        ends = [first, self.builder.constant([0]), step]
        return self.builder.make("STRIDED_SLICE", [vector, *ends], [1], free=True, endMask=1)

    def _length(self, vector: Value) -> Value:
        return self.builder.make("SHAPE", [vector], [1], outType=type_number("int32"))


class _Term:
    """A product of atoms and a positive number."""

    def __init__(self, atoms: tuple[Atom, ...], factor: int) -> None:
        self.atoms, self.factor = atoms, factor


class _Plan:
    """A size as sums of terms: max(more - less, at_least)."""

    def __init__(self, more: list[_Term], less: list[_Term], at_least: int = 0) -> None:
        self.more, self.less, self.at_least = more, less, at_least

    @classmethod
    def of(cls, size: Size) -> _Plan:
        """The plan for a size, which is not negative; or for the -1 of a RESHAPE.

        Raises:
            _CannotSay: the size has no form of sums of terms.
        """
        if isinstance(size, int | np.integer):
            return cls([_Term((), int(size))], []) if size else cls([], [])
        plan = cls([], [])
        extra = 0
        for monomial, factor in size.terms:
            atoms = []
            for atom in monomial:
                lifted, more = _lifted(atom)
                if more and (len(monomial) > 1 or factor < 0):
                    raise _CannotSay
                extra += more * factor
                atoms.append(lifted)
            (plan.more if factor > 0 else plan.less).append(_Term(tuple(atoms), abs(factor)))
        if extra:
            plan.less.append(_Term((), extra))
        if not plan.more:
            raise _CannotSay
        return plan

    @classmethod
    def of_larger(cls, atom: Larger) -> _Plan:
        """The plan for max(size, number).

        Raises:
            _CannotSay: both operands are sizes.
        """
        one, other = atom.one, atom.other
        if isinstance(one, int):
            one, other = other, one
        if not isinstance(other, int) or other < 0:
            raise _CannotSay
        plan = cls.of(one)
        plan.at_least = other
        if not other:
            # A length vector has no negative length.
            plan.at_least = 0
        return plan


def _lifted(atom: Atom) -> tuple[Atom, int]:
    """An atom without negative numbers within, and what it is too large by.

    Raises:
        _CannotSay: there is none.
    """
    if isinstance(atom, Axis):
        return atom, 0
    if isinstance(atom, Floor):
        terms = atom.of.terms
        if any(factor < 0 for monomial, factor in terms if monomial):
            raise _CannotSay
        constant = dict(terms).get((), 0)
        more = -(constant // atom.by) if constant < 0 else 0
        raised = atom.of + more * atom.by
        if not isinstance(raised, Expression):
            raise _CannotSay
        _Plan.of(raised)
        return Floor(raised, atom.by), more
    if isinstance(atom, Larger):
        _Plan.of_larger(atom)
        return atom, 0
    raise _CannotSay
