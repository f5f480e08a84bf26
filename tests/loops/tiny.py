"""A dialect of loops in NumPy: a builder, what the reader of loops asks for, and two ways to run.

`run_loop` is the oracle: it takes iteration after iteration, as the loop says. `run_scan` runs a
raised Scan: `project` over all time steps, then `step` after step.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace

import numpy as np

from rnnlite.loops import Condition, Kind, Loop, Node, Variable


class Free(np.ndarray):
    """An array whose value the reader is not to know; what is computed with it is one too."""


def free(value):
    return np.asarray(value).view(Free)


FUNCTIONS = {
    "mul": np.multiply,
    "sub": np.subtract,
    "tanh": np.tanh,
    "sigmoid": lambda x: 0.5 * (1 + np.tanh(0.5 * x)),
    "minimum": np.minimum,
    "maximum": np.maximum,
    "select": np.where,
    "cumsum": lambda x: np.cumsum(x, axis=-1),
    "sum": lambda x: np.sum(x, axis=-1),
}
KINDS = {
    Kind.PASS: lambda x: x,
    Kind.ADD: np.add,
    Kind.AND: np.logical_and,
    Kind.LESS: np.less,
    Kind.LESS_EQUAL: np.less_equal,
    Kind.GREATER: np.greater,
    Kind.GREATER_EQUAL: np.greater_equal,
    Kind.BIAS_ADD: np.add,
    Kind.SOFTMAX: lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    Kind.READ_ROW: lambda array, index: row_of(array, int(index)),
    Kind.WRITE_ROW: lambda array, index, row: array.written(int(index), row),
}


def row_of(array, index):
    return (array.rows() if isinstance(array, Rows) else array)[index]


def computed(node, operands):
    """The value of a node."""
    if node.kind is Kind.CONSTANT:
        return node.value
    if node.kind is Kind.MATMUL:
        return operands[0] @ (operands[1].T if node.transposed else operands[1])
    if node.kind is Kind.CONCAT:
        return np.concatenate(operands, node.axis if isinstance(node.axis, int) else 1)
    if node.kind is Kind.EXPAND:
        return np.expand_dims(operands[0], node.axis)
    if node.kind is Kind.GATHER:
        return np.take(operands[0], operands[1], axis=node.axis)
    return (KINDS[node.kind] if node.kind in KINDS else FUNCTIONS[node.op])(*operands)


@dataclass(frozen=True, eq=False)
class Rows:
    """An array of rows."""

    name: str
    size: int | None
    content: np.ndarray | None = None
    width: tuple = (2,)

    def length(self):
        return self.size if self.content is None else len(self.content)

    def rows(self):
        return np.zeros((self.size, *self.width)) if self.content is None else self.content

    def written(self, index, row):
        rows = self.rows().copy() if self.content is not None else self.zeros(row)
        rows[index] = row
        return replace(self, content=rows)

    def zeros(self, row):
        return np.zeros((self.size, *np.shape(row)))


class Region:
    """The nodes of a body or a condition."""

    def __init__(self, nodes=None, bound=None):
        self.nodes = {} if nodes is None else nodes
        self.bound = {} if bound is None else bound
        self.steps = 0

    # The builder.

    def add(self, kind, *operands, op="", name="", **attributes):
        name = name or f"{op or kind.name.lower()}_{len(self.nodes)}"
        node = Node(name, op or kind.name, kind, operands, name, operands, **attributes)
        self.nodes[name] = replace(node, function=op)
        return name

    def constant(self, value):
        return self.add(Kind.CONSTANT, value=np.asarray(value))

    def apply_function(self, function, *operands):
        return self.add(Kind.ELEMENTWISE, *operands, op=function)

    # What the reader asks for.

    def node(self, ref):
        return self.nodes.get(ref)

    def bind(self, values):
        return Region(self.nodes, {**self.bound, **values})

    def is_bound(self, ref):
        return ref in self.bound

    def value(self, ref):
        return self.evaluate([ref], self.bound)[0]

    def shape(self, ref):
        value = self.value(ref)
        return None if isinstance(value, Rows) else np.shape(value)

    def known(self, tensor):
        return None if isinstance(tensor, Free | Rows) else np.asarray(tensor)

    def emit(self, refs, given):
        self.steps += 1
        return self.evaluate(refs, {**self.bound, **given})

    def apply(self, node, operands):
        return computed(node, operands)

    def shapes(self, refs, states, rows, counters):
        given = {**self.bound, **states, **{r: x[0] for r, x in rows.items()}}
        given.update(dict.fromkeys(counters, np.array(0)))
        made = dict(given)
        self.evaluate(refs, made, made)
        return {r: np.shape(v) for r, v in made.items() if not isinstance(v, Rows)}

    def extend(self, nodes, constants, like):
        assert like.kind is Kind.MATMUL
        changed = {**self.nodes, **{n.result: n for n in nodes}}
        return Region(changed, {**self.bound, **constants})

    def evaluate(self, refs, given, made=None):
        made = dict(given) if made is None else made

        def of(ref):
            if ref not in made:
                node = self.nodes[ref]
                made[ref] = computed(node, [of(r) for r in node.operands])
            return made[ref]

        return [of(r) for r in refs]


class Tensors:
    """Whole sequences as NumPy arrays; counts what is asked for."""

    def __init__(self):
        self.asked = []

    def scope(self, name):
        return contextlib.nullcontext()

    def shape(self, x):
        return np.shape(x)

    def scalar(self, x):
        return np.reshape(x, ())

    def vector(self, x):
        return np.reshape(x, -1)

    def column(self, x):
        return np.reshape(x, (-1, 1))

    def offset(self, x, number):
        return x + number

    def add(self, x, bias):
        self.asked.append("add")
        return x + bias

    def product(self, x, w, *, transposed):
        w = w.T if transposed else w
        self.asked.append(f"product {w.shape}")
        return x @ w

    def concat(self, parts, axis):
        self.asked.append("concat")
        return np.concatenate(parts, axis)

    def expand(self, x, axis):
        return np.expand_dims(x, axis)

    def take(self, table, ids):
        self.asked.append("take")
        return np.take(table, ids, axis=0)

    def steps(self, count):
        return np.arange(int(count)).reshape(-1, 1)

    def as_rows(self, x, name, axis):
        x = np.moveaxis(x, axis, 0)
        return Rows(name, len(x), x, np.shape(x)[1:])

    def first(self, array, count):
        return array.rows()[: int(count)]

    def rows_at(self, array, indices):
        self.asked.append("rows_at")
        return array.rows()[np.minimum(indices, len(array.rows()) - 1)]

    def is_full(self, array, count):
        return array.size is not None and int(array.size) == int(count)

    def bound(self, limit, more):
        return limit + more

    def least(self, bounds):
        return max(0, min(int(b) for b in bounds))


@dataclass
class Builder:
    """A loop under construction: `carry` its variables, then `loop`."""

    name: str = "loop"
    body: Region = field(default_factory=Region)
    test: Region = field(default_factory=Region)
    variables: list = field(default_factory=list)
    initial: dict = field(default_factory=dict)
    outside: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)

    def carry(self, ref, initial):
        self.initial[ref] = initial
        return ref

    def read_outside(self, ref, value, weight=""):
        self.outside[ref] = value
        if weight:
            self.weights[ref] = weight
        return ref

    def counter(self, start=0, ref="t"):
        """A counter, and its next value."""
        self.carry(ref, np.array(start))
        return self.body.add(Kind.ADD, ref, self.body.constant(1), name=f"next_{ref}")

    def loop(self, updates, condition, **flags):
        """The loop; `updates` by variable, `condition` made in `test` by names "v?"."""
        variables = tuple(
            Variable(
                ref,
                updates[ref],
                f"{ref}?",
                value,
                rows=value if isinstance(value, Rows) else None,
                **flags.get(ref, {}),
            )
            for ref, value in self.initial.items()
        )
        return Loop(
            name=self.name,
            body=self.body.bind(self.outside),
            condition=Condition(self.test.bind(self.outside), condition),
            variables=variables,
            tensors=Tensors(),
            outside=frozenset(self.outside),
            arrays={r: v for r, v in self.outside.items() if isinstance(v, Rows)},
            weights=self.weights,
        )

    def while_below(self, limit, ref="t"):
        """The condition t < limit, a reference to what stands outside or a number."""
        limit = limit if isinstance(limit, str) else self.test.constant(limit)
        return self.test.add(Kind.LESS, f"{ref}?", limit)


def run_loop(loop):
    """The values of the variables behind the loop, as it says."""
    values = [v.initial for v in loop.variables]
    while True:
        given = {v.tested: x for v, x in zip(loop.variables, values, strict=True)}
        (go,) = loop.condition.region.emit([loop.condition.result], given)
        if not go:
            return values
        given = {v.argument: x for v, x in zip(loop.variables, values, strict=True)}
        values = loop.body.emit([v.update for v in loop.variables], given)


def run_scan(loop, raised):
    """The same from the Scan."""
    scan, cell, reading = raised.scan, raised.cell, raised.reading
    projected = cell.project(list(scan.inputs))
    weights = cell.weights()
    states, outputs = list(scan.initial_states), []
    for t in range(int(reading.count)):
        output, states = cell.step([p[t] for p in projected], states, weights)
        outputs.append(output)
    values = {v: v.initial for v in loop.variables}
    values.update(zip(reading.states, states, strict=True))
    values.update({v: start + int(reading.count) for v, start in reading.counters.items()})
    for variable, same in reading.last.items():
        values[variable] = replace(variable.initial, content=values[same][None])
    for k, variable in enumerate(raised.outputs):
        array = variable.initial
        rows = array.zeros(outputs[0][k])
        rows[: len(outputs)] = [o[k] for o in outputs]
        values[variable] = replace(array, content=rows)
    return [values[v] for v in loop.variables]


def assert_same(found, wanted):
    """The values of two runs are equal; arrays by their rows."""
    for a, b in zip(found, wanted, strict=True):
        a, b = (v.rows() if isinstance(v, Rows) else v for v in (a, b))
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-9, atol=1e-12)
