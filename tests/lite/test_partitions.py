"""Which ops XNNPACK takes, and the partitions they fall into, as the runtime says them."""

import itertools

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs import Model
from rnnlite.lite.ir import Quantization
from rnnlite.lite.partitions import Taken, constants, partitions, taken

F, I8, I16, I32 = "float32", "int8", "int16", "int32"


def asked(name, shapes, results, options="", constant_inputs=(), **fields):
    """What is said of one op of tensors (shape, dtype, scale)."""
    model = Model()
    graph = model.main

    def tensor(spec):
        if spec is None:
            return None
        shape, dtype, *scale = spec
        return graph.tensor(shape, dtype, quantization=Quantization.of(*scale) if scale else None)

    ends = []
    for k, spec in enumerate(shapes):
        if k in constant_inputs:
            ends.append(graph.constant(*spec))
        else:
            ends.append(tensor(spec))
    op = graph.add(name, ends, [tensor(r) for r in results], options, **fields)
    return taken(op, constants(graph.ir))


MATRIX = ([2, 4], F)
WHOLE = {"options": "StridedSliceOptions", "constant_inputs": (1, 2, 3)}


@pytest.mark.parametrize(
    ("name", "shapes", "results", "more", "expected"),
    [
        ("TANH", [MATRIX], [MATRIX], {}, Taken.ALWAYS),
        ("TANH", [([2], I8, 0.1)], [([2], I8, 1 / 128)], {}, Taken.ALWAYS),
        ("TANH", [([2], I16, 0.1)], [([2], I16, 1 / 32768)], {}, Taken.NEVER),
        ("EXP", [MATRIX], [MATRIX], {}, Taken.MAYBE),
        ("RELU", [([2], I8, 0.1)], [([2], I8, 0.1)], {}, Taken.MAYBE),
        ("ADD", [MATRIX, MATRIX], [MATRIX], {"options": "AddOptions"}, Taken.ALWAYS),
        (
            "ADD",
            [MATRIX, MATRIX],
            [MATRIX],
            {"options": "AddOptions", "fusedActivationFunction": 4},
            Taken.MAYBE,
        ),
        (
            "ADD",
            [([2], I8, 0.1), ([2], I8, 1e-5)],
            [([2], I8, 0.1)],
            {"options": "AddOptions"},
            Taken.MAYBE,
        ),
        (
            "MUL",
            [([2], I8, 1e-3), ([2], I8, 1e-3)],
            [([2], I8, 1e-3)],
            {"options": "MulOptions"},
            Taken.ALWAYS,
        ),
        ("ADD", [([2], I32), ([2], I32)], [([2], I32)], {"options": "AddOptions"}, Taken.NEVER),
        ("LESS", [MATRIX, MATRIX], [([2, 4], "bool")], {"options": "LessOptions"}, Taken.NEVER),
        ("SHAPE", [MATRIX], [([2], I32)], {"options": "ShapeOptions"}, Taken.NEVER),
        ("GATHER", [MATRIX, ([3], I32)], [([3, 4], F)], {"options": "GatherOptions"}, Taken.NEVER),
        ("PACK", [MATRIX], [([1, 2, 4], F)], {"options": "PackOptions"}, Taken.MAYBE),
        (
            "FULLY_CONNECTED",
            [MATRIX, (np.ones((3, 4)), F), None],
            [([2, 3], F)],
            {"options": "FullyConnectedOptions", "constant_inputs": (1,)},
            Taken.ALWAYS,
        ),
        (
            "FULLY_CONNECTED",
            [MATRIX, ([3, 4], F), None],
            [([2, 3], F)],
            {"options": "FullyConnectedOptions"},
            Taken.MAYBE,
        ),
        (
            "RESHAPE",
            [MATRIX, ([8], I32)],
            [([8], F)],
            {"options": "ReshapeOptions"},
            Taken.NEVER,
        ),
        (
            "RESHAPE",
            [MATRIX, ([8], I32)],
            [([8], F)],
            {"options": "ReshapeOptions", "constant_inputs": (1,)},
            Taken.ALWAYS,
        ),
        (
            "SPLIT",
            [(1, I32), MATRIX],
            [([2, 2], F), ([2, 2], F)],
            {"options": "SplitOptions", "constant_inputs": (0,)},
            Taken.ALWAYS,
        ),
        (
            "SPLIT",
            [(1, I32), ([2, 5], F)],
            [([2, 1], F)] * 5,
            {"options": "SplitOptions", "constant_inputs": (0,)},
            Taken.MAYBE,
        ),
        (
            "CONCATENATION",
            [MATRIX, MATRIX],
            [([2, 8], F)],
            {"options": "ConcatenationOptions", "axis": 1},
            Taken.ALWAYS,
        ),
        (
            "CONCATENATION",
            [MATRIX] * 5,
            [([2, 20], F)],
            {"options": "ConcatenationOptions", "axis": 1},
            Taken.MAYBE,
        ),
        (
            "CONCATENATION",
            [MATRIX] * 6,
            [([2, 24], F)],
            {"options": "ConcatenationOptions", "axis": 1},
            Taken.NEVER,
        ),
        (
            "STRIDED_SLICE",
            [MATRIX, ([0, 1], I32), ([2, 3], I32), ([1, 1], I32)],
            [([2, 2], F)],
            WHOLE,
            Taken.ALWAYS,
        ),
        (
            "STRIDED_SLICE",
            [MATRIX, ([0, 1], I32), ([2, 3], I32), ([1, 2], I32)],
            [([2, 1], F)],
            WHOLE,
            Taken.MAYBE,
        ),
        (
            "SLICE",
            [MATRIX, ([0, 1], I32), ([2, -1], I32)],
            [([2, 3], F)],
            {"options": "SliceOptions", "constant_inputs": (1, 2)},
            Taken.MAYBE,
        ),
    ],
)
def test_ops_are_taken_or_not(name, shapes, results, more, expected):
    assert asked(name, shapes, results, **more) is expected


def test_a_dequantized_constant_is_a_constant():
    model = Model()
    graph = model.main
    half = graph.constant([[1.0, 2.0]], "float16")
    plain = graph.tensor([1, 2])
    graph.add("DEQUANTIZE", [half], [plain])
    assert constants(graph.ir) == {half, plain}


def chain():
    """TANH, then a LESS between two ADDs of numbers and two TANHs that do not wait for it."""
    model = Model()
    graph = model.main
    x, a, b, c, n, m = (graph.tensor([2, 2], t) for t in (F, F, F, F, I32, I32))
    graph.add("TANH", [x], [a])
    graph.add("ADD", [n, n], [m], "AddOptions")
    graph.add("TANH", [a], [b])
    graph.add("CUMSUM", [b, graph.constant(0, I32)], [c], "CumsumOptions")
    d = graph.tensor([2, 2])
    graph.add("TANH", [c], [d])
    graph.ends([x, n], [d, m])
    return model


def test_partitions_gather_what_is_ready():
    model = chain()
    ops = list(model.main.ir.ops)
    inside = [op.kind == "TANH" for op in ops]
    assert partitions(ops, inside, [False] * 5) == [0, 1, 0, 1, 2]
    # The second op keeps its place before the fourth, the third behind neither.
    assert partitions(ops, inside, [False, True, False, True, False]) == [0, 1, 0, 1, 2]
    assert partitions(ops, [True] * 5, [False] * 5) == [0] * 5
    assert partitions(ops, [True, False, True, True, True], [True] * 5) == [0, 1, 2, 2, 2]


def test_the_runtime_forms_the_same_partitions():
    model = chain()
    interpreter = Interpreter(model_content=model.bytes(), num_threads=1)
    interpreter.allocate_tensors()
    delegated = [d for d in interpreter._get_ops_details() if d["op_name"] == "DELEGATE"]
    ends = [(set(map(int, d["inputs"])), set(map(int, d["outputs"]))) for d in delegated]
    assert ends == [({0}, {2}), ({3}, {7})]


@st.composite
def programs(draw):
    """Ops in order, each of values that stand before it; which are taken, which are ordered."""
    graph = Model().main
    values = [graph.tensor([2])]
    ops = []
    for _ in range(draw(st.integers(1, 12))):
        operands = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2))
        result = graph.tensor([2])
        ops.append(graph.add("ADD_N", operands, [result]))
        values.append(result)
    flags = st.lists(st.booleans(), min_size=len(ops), max_size=len(ops))
    return ops, draw(flags), draw(flags)


@settings(max_examples=150, deadline=None)
@given(programs())
def test_partitions_can_run_one_after_the_other(program):
    ops, inside, stateful = program
    found = partitions(ops, inside, stateful)
    # Each op has one, and none is empty.
    assert set(found) == set(range(max(found) + 1))
    # A partition is of one side.
    for number in set(found):
        assert len({inside[k] for k, n in enumerate(found) if n == number}) == 1
    # What an op needs is made before it, or with it.
    makers = {op.output: k for k, op in enumerate(ops)}
    for k, op in enumerate(ops):
        assert all(found[makers[v]] <= found[k] for v in op.operands if v in makers)
    # Ops that keep their place do.
    kept = [found[k] for k, flag in enumerate(stateful) if flag]
    assert kept == sorted(kept)
    # None could have come with the one before it: two of one side never follow each other.
    sides = [
        next(inside[k] for k, n in enumerate(found) if n == number) for number in sorted(set(found))
    ]
    assert all(a != b for a, b in itertools.pairwise(sides))
