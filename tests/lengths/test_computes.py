"""Ops that compute: sizes and demands, beside what TensorFlow gives at two lengths."""

import numpy as np
import pytest
from rules import FakeOp, T, case, check, numbers, ones, t, told, u

from rnnlite.lengths.computes import BROADCASTING, SAME, broadcast, window
from rnnlite.lengths.facts import RULES, Demands, Fact, Node, Untold
from rnnlite.lengths.sizes import ceil_div, floor_div, unknown
from rnnlite.lengths.values import evaluate

X = ones(2, t, 6)
ROW = ones(2, u, 6)

ELEMENTWISE = [
    case("Tanh", [X], (2, t, 6)),
    case("BiasAdd", [X, ones(6)], (2, t, 6)),
    case("Cumsum", [X, numbers(1)], (2, t, 6)),
    case("ReverseV2", [X, numbers([1])], (2, t, 6)),
    case("MatrixBandPart", [X, numbers(1), numbers(2)], (2, t, 6)),
    case("ClipByValue", [X, ones(), ones()], (2, t, 6)),
    case("RealDiv", [X, ones(1, 6)], (2, t, 6)),
    case("RealDiv", [ones(t, 1), ones(6)], (t, 6)),
    case("Pow", [X, ones(2, 1, 1)], (2, t, 6)),
    case("SquaredDifference", [X, ROW], (2, t, 6), demands=[("equal", t, u)], refused=[(12, 13)]),
    case("Less", [ones(t, 1), ones(1, u)], (t, u)),
    case(
        "Greater",
        [ones(12), ones(t)],
        (12,),
        demands=[("equal", 12, t)],
        lengths=[12],
        refused=[13],
    ),
    case("SelectV2", [ones(t, 1, dtype="bool"), ones(6), ones()], (t, 6)),
    case("Select", [ones(t, dtype="bool"), ones(t, 6), ones(t, 6)], (t, 6)),
    case(
        "Select",
        [ones(t, dtype="bool"), ones(t), ones(u)],
        (t,),
        demands=[("equal", t, u)],
        refused=[(12, 13)],
    ),
    case("AddN", [X, X, X], (2, t, 6)),
    case(
        "AddN", [ones(t), ones(12)], (12,), demands=[("equal", t, 12)], lengths=[12], refused=[13]
    ),
]

REDUCTIONS = [
    case("Sum", [X, numbers([1])], (2, 6), keep_dims=False),
    case("Sum", [X, numbers([-1, 0])], (t,), keep_dims=False),
    case("Sum", [X, numbers([1])], (2, 1, 6), keep_dims=True),
    case("Mean", [X, numbers([1])], (2, 6), keep_dims=False, demands=[("least", t, 1)]),
    case("Max", [X, numbers([2])], (2, t), keep_dims=False),
    case("Min", [X, numbers([0, 1])], (1, 1, 6), keep_dims=True, demands=[("least", t, 1)]),
    case("All", [ones(2, t, dtype="bool"), numbers([1])], (2,), keep_dims=False),
    case("ArgMax", [X, numbers(2)], (2, t)),
    case("ArgMax", [X, numbers(-2)], (2, 6), demands=[("least", t, 1)], refused=[0]),
    case("TopKV2", [X, numbers(4)], (2, t, 4), (2, t, 4)),
    case(
        "TopKV2",
        [ones(2, t), numbers(10)],
        (2, 10),
        (2, 10),
        demands=[("least", t, 10)],
        refused=[9],
    ),
]

PRODUCTS = [
    case("MatMul", [ones(t, 6), ones(6, 3)], (t, 3), transpose_a=False, transpose_b=False),
    case("MatMul", [ones(6, t), ones(3, 6)], (t, 3), transpose_a=True, transpose_b=True),
    case(
        "MatMul",
        [ones(2, t), ones(12, 3)],
        (2, 3),
        transpose_a=False,
        transpose_b=False,
        demands=[("equal", t, 12)],
        lengths=[12],
        refused=[13],
    ),
    case("BatchMatMulV2", [X, ones(6, 3)], (2, t, 3), adj_x=False, adj_y=False),
    case("BatchMatMulV2", [X, ones(2, u, 6)], (2, t, u), adj_x=False, adj_y=True),
    case("BatchMatMulV2", [ones(4, 1, 6, t), ones(2, 6, 5)], (4, 2, t, 5), adj_x=True, adj_y=False),
    case(
        "BatchMatMulV2",
        [ones(2, 3, t), ones(2, u, 5)],
        (2, 3, 5),
        adj_x=False,
        adj_y=False,
        demands=[("equal", t, u)],
        refused=[(12, 13)],
    ),
    case("Einsum", [X, ones(6, 3)], (2, t, 3), equation="btf,fg->btg", N=2),
    case("Einsum", [X, ROW], (2, t, u), equation="btf,bsf->bts", N=2),
    case("Einsum", [X], (t,), equation="btf->t", N=1),
    case(
        "Einsum",
        [X, ROW],
        (2, 6),
        equation="btf,btf->bf",
        N=2,
        demands=[("equal", t, u)],
        refused=[(12, 13)],
    ),
]


def plain(stride=1, dilation=1, padding="VALID", explicit=()):
    return {
        "strides": [1, stride, 1, 1],
        "dilations": [1, dilation, 1, 1],
        "padding": padding,
        "explicit_paddings": list(explicit),
        "data_format": "NHWC",
    }


IMAGE = ones(2, t, 5, 6)
KERNEL = ones(3, 1, 6, 4)

WINDOWS = [
    case("Conv2D", [IMAGE, KERNEL], (2, t - 2, 5, 4), **plain(), demands=[("least", t - 2, 1)]),
    case(
        "Conv2D",
        [IMAGE, KERNEL],
        (2, ceil_div(t, 2), 5, 4),
        **plain(2, padding="SAME"),
        demands=[("least", ceil_div(t, 2), 1)],
        lengths=[12, 13],
    ),
    case(
        "Conv2D",
        [IMAGE, KERNEL],
        (2, floor_div(t - 1, 2), 5, 4),
        **plain(2),
        demands=[("least", floor_div(t - 1, 2), 1)],
        lengths=[12, 13, 3],
    ),
    case(
        "Conv2D",
        [IMAGE, KERNEL],
        (2, t - 8, 5, 4),
        **plain(dilation=4),
        demands=[("least", t - 8, 1)],
        lengths=[9, 12],
    ),
    case(
        "Conv2D",
        [IMAGE, KERNEL],
        (2, t + 1, 5, 4),
        **plain(padding="EXPLICIT", explicit=[0, 0, 2, 1, 0, 0, 0, 0]),
        demands=[("least", t + 1, 1)],
    ),
    case(
        "Conv2D",
        [ones(2, 5, 5, t), ones(3, 1, 6, 4)],
        (2, 3, 5, 4),
        **plain(),
        demands=[("equal", t, 6)],
        lengths=[6],
        refused=[7],
    ),
    case(
        "DepthwiseConv2dNative",
        [IMAGE, ones(3, 1, 6, 2)],
        (2, t - 2, 5, 12),
        **plain(),
        demands=[("least", t - 2, 1)],
    ),
    case(
        "Conv3D",
        [ones(1, t, 4, 4, 2), ones(3, 2, 2, 2, 5)],
        (1, floor_div(t - 1, 2), 2, 2, 5),
        strides=[1, 2, 2, 2, 1],
        dilations=[1, 1, 1, 1, 1],
        padding="VALID",
        data_format="NDHWC",
        demands=[("least", floor_div(t - 1, 2), 1)],
    ),
    case(
        "MaxPool",
        [IMAGE],
        (2, floor_div(t, 3), 5, 6),
        ksize=[1, 3, 1, 1],
        strides=[1, 3, 1, 1],
        padding="VALID",
        demands=[("least", floor_div(t, 3), 1)],
        lengths=[12, 14, 3],
    ),
    case(
        "AvgPool",
        [IMAGE],
        (2, ceil_div(t, 2), 3, 6),
        ksize=[1, 3, 2, 1],
        strides=[1, 2, 2, 1],
        padding="SAME",
        demands=[("least", ceil_div(t, 2), 1)],
        lengths=[12, 13],
    ),
    case("ResizeBilinear", [IMAGE, numbers([2 * t, 9])], (2, 2 * t, 9, 6)),
    case("RFFT", [ones(2, t), numbers([t])], (2, floor_div(t, 2) + 1), lengths=[12, 13]),
    case(
        "RFFT",
        [ones(2, t), numbers([16])],
        (2, 9),
        demands=[("least", t, 16)],
        lengths=[16, 20],
        refused=[12],
    ),
]

CASES = [*ELEMENTWISE, *REDUCTIONS, *PRODUCTS, *WINDOWS]


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.id)
def test_as_tensorflow_has_it(one):
    check(one)


def test_a_transposed_convolution_is_as_large_as_it_is_told():
    (fact,), demands = told(
        case("Conv2DBackpropInput", [numbers([2, 2 * t, 5, 6]), KERNEL, ones(2, t, 5, 4)])
    )
    assert (fact.sizes, demands) == ((2, 2 * t, 5, 6), [])


def test_batch_norm_gives_its_statistics_as_the_graph_states_them():
    import tensorflow as tf

    stated = [tf.TensorShape(s) for s in ([2, None, 5, 6], [6], [6])]
    outputs = [type("Output", (), {"shape": s})() for s in stated]
    node = Node(FakeOp("FusedBatchNormV3", {}, outputs), [IMAGE.fact], Demands())
    facts = RULES["FusedBatchNormV3"].sizes(node)
    assert [f.sizes for f in facts] == [(2, t, 5, 6), (6,), (6,)]


@pytest.mark.parametrize(
    "one",
    [
        case("Einsum", [X, X], equation="...tf,...sf->...ts", N=2),
        case("ResizeBilinear", [IMAGE, ones(2, dtype="int32")]),
        case("Sum", [X, ones(1, dtype="int32")], keep_dims=False),
        case("Conv2D", [IMAGE, KERNEL], **{**plain(), "padding": "OTHER"}),
    ],
    ids=lambda one: one.op,
)
def test_what_a_rule_cannot_tell(one):
    with pytest.raises(Untold):
        told(one)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("width", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_windows_are_counted_as_they_are_laid(padding, width, stride, dilation):
    demands = Demands()
    found = window(Node(FakeOp("Any", {}), [], demands), t, width, stride, dilation, padding)
    reach = (width - 1) * dilation + 1
    for n in range(1, 20):
        # A window for each stride, or at each place from which it reaches no further than n.
        ends = range(0, n, stride) if padding == "SAME" else range(reach, n + 1, stride)
        assert max(evaluate(found, {T: n}), 0) == len(ends)
        assert all(r.holds({T: n}) == (len(ends) > 0) for r in demands.found.values())


def node():
    return Node(FakeOp("Add", {}), [], Demands())


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(2, 1, 6), (t, 6)], (2, t, 6)),
        ([(), (t,)], (t,)),
        ([(t, 1), (1, u), (3, 1, 1)], (3, t, u)),
        ([(t,), (t,)], (t,)),
    ],
)
def test_what_spreads_demands_nothing(parts, expected):
    given = node()
    assert broadcast(given, parts) == expected
    assert given._demands.found == {}


def test_what_is_unknown_may_be_one():
    """An axis of which nothing is known may spread, so it is no axis that has to be equal."""
    what = unknown()
    for parts in ([(what,), (t,)], [(t,), (what,)]):
        given = node()
        assert broadcast(given, parts) == (t,)
        assert given._demands.found == {}


def test_spreading_agrees_with_numpy():
    rng = np.random.default_rng(0)
    for _ in range(200):
        rank = int(rng.integers(1, 4))
        whole = rng.integers(1, 4, rank)
        parts = [
            tuple(int(d) if rng.random() < 0.7 else 1 for d in whole[int(rng.integers(0, rank)) :])
            for _ in range(3)
        ]
        assert broadcast(node(), parts) == np.broadcast_shapes(*parts)


def test_each_op_has_one_rule():
    assert len(set(SAME)) == len(SAME)
    assert not set(SAME) & set(BROADCASTING)
    assert {RULES[op].sizes for op in SAME} == {RULES["Tanh"].sizes}
    (fact,) = RULES["Tanh"].sizes(Node(FakeOp("Tanh", {}), [Fact((t, 3))], Demands()))
    assert fact.sizes == (t, 3)
