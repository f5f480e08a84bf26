"""Products of [x, h] with one kernel, cut in two: the step gives what it gave."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import Region, free

from rnnlite.errors import InternalError
from rnnlite.loops import Kind
from rnnlite.loops.products import _cut, _readers, cut_products
from rnnlite.loops.regions import Body, Class, plan, sort

B = 2
RNG = np.random.default_rng(0)
WIDTHS = {"x": 3, "z": 1, "h": 4, "c": 2}
VALUES = {k: RNG.normal(size=(B, n)) for k, n in WIDTHS.items()}
UNITS = 5


def body_of(parts, *, axis=1, bias=None, transposed=False, known=True, handed=False):
    """y = concat(parts) @ w [+ b]; x and z are inputs, h and c states."""
    region = Region()
    kernel = RNG.normal(size=(sum(WIDTHS[p] for p in parts), UNITS))
    kernel = kernel.T if transposed else kernel
    joined = region.add(Kind.CONCAT, *parts, axis=axis, name="joined")
    if handed:
        joined = region.add(Kind.PASS, joined, name="handed")
    y = region.add(Kind.MATMUL, joined, "w", name="product", transposed=transposed)
    if bias is not None:
        y = region.add(bias, *((y, "b") if bias is Kind.BIAS_ADD else ("b", y)), name="sum")
    region = region.bind({"w": kernel if known else free(kernel), "b": RNG.normal(size=UNITS)})
    states, rows = ({k: VALUES[k] for k in ks if k in parts} for ks in ("hc", "xz"))
    shapes = region.shapes([y], states, {k: v[None] for k, v in rows.items()}, {})
    return Body(region, tuple(states), tuple(rows), (y,), shapes, {})


def value(body):
    given = {r: VALUES[r] for r in (*body.states, *body.inputs)}
    return body.region.emit(body.results, given)[0]


def step_products(body):
    """Products that the step holds: what they multiply."""
    nodes = sort(body)
    hoisted = {n.name for n in plan(nodes).hoisted}
    products = [n for n in nodes.order if n.kind is Kind.MATMUL]
    return (
        [n.operands[0] for n in products if n.name in hoisted],
        [n.operands[0] for n in products if n.name not in hoisted],
    )


@pytest.mark.parametrize(
    ("parts", "hoisted", "left"),
    [
        ("xh", ["x"], ["h"]),
        ("hx", ["x"], ["h"]),
        ("xzh", ["product/input_parts:0"], ["h"]),
        ("xhc", ["x"], ["product/state_parts:0"]),
        ("hxcz", ["product/input_parts:0"], ["product/state_parts:0"]),
    ],
)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("bias", [None, Kind.ADD, Kind.BIAS_ADD])
def test_cut(parts, hoisted, left, transposed, bias):
    body = body_of(parts, bias=bias, transposed=transposed)
    made = cut_products(sort(body))
    np.testing.assert_allclose(value(made), value(body), atol=1e-12)
    assert step_products(made) == (hoisted, left)
    assert step_products(body)[0] == []


@pytest.mark.parametrize("bias", [Kind.ADD, Kind.BIAS_ADD])
def test_the_bias_leaves_with_the_input(bias):
    made = cut_products(sort(body_of("xh", bias=bias)))
    nodes = sort(made)
    assert plan(nodes).frontier == ("product/biased:0",)
    (total,) = [n for n in nodes.order if nodes.classes[n.name] is Class.STATE and n.name == "sum"]
    assert total.kind is Kind.ADD


def test_the_names_of_results_stay():
    """Whoever reads the product, or its sum with the bias, reads the same."""
    for bias, name in ((None, "product"), (Kind.ADD, "sum")):
        body = body_of("xh", bias=bias)
        made = cut_products(sort(body))
        assert made.results == body.results == (name,)
        assert made.shapes[name] == (B, UNITS)


def test_a_product_that_two_nodes_read_keeps_its_bias_outside():
    """The bias belongs to one of them."""
    region = Region()
    region.add(Kind.CONCAT, "x", "h", axis=1, name="joined")
    region.add(Kind.MATMUL, "joined", "w", name="product")
    region.add(Kind.ADD, "product", "b", name="one")
    region.add(Kind.ELEMENTWISE, "product", op="tanh", name="other")
    region = region.bind({"w": RNG.normal(size=(7, UNITS)), "b": np.ones(UNITS)})
    results = ("one", "other")
    shapes = region.shapes(results, {"h": VALUES["h"]}, {"x": VALUES["x"][None]}, {})
    body = Body(region, ("h",), ("x",), results, shapes, {})
    made = cut_products(sort(body))
    given = {k: VALUES[k] for k in "xh"}
    for a, b in zip(made.region.emit(results, given), region.emit(results, given), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    assert plan(sort(made)).frontier == ("product/input_product:0",)


@pytest.mark.parametrize(
    "options",
    [
        {"parts": "xz"},
        {"parts": "hc"},
        {"parts": "xh", "known": False},
    ],
    ids=["inputs alone", "states alone", "a kernel that is not known"],
)
def test_what_is_not_cut(options):
    body = body_of(**options)
    made = cut_products(sort(body))
    assert made.region is body.region


def test_behind_a_node_that_hands_on():
    body = body_of("xh", handed=True)
    made = cut_products(sort(body))
    assert step_products(made) == (["x"], ["h"])
    np.testing.assert_allclose(value(made), value(body), atol=1e-12)


def test_along_the_last_axis():
    body = body_of("xh", axis=-1)
    assert step_products(cut_products(sort(body))) == (["x"], ["h"])


def test_a_part_of_unknown_width_is_not_cut():
    body = body_of("xh")
    body = Body(**{**vars(body), "shapes": {**body.shapes, "x": (B, None)}})
    assert cut_products(sort(body)).region is body.region


def test_a_product_without_parts():
    """Only what was found to be mixed is cut."""
    region = Region()
    region.add(Kind.MATMUL, "h", "w", name="product")
    region = region.bind({"w": np.ones((4, UNITS))})
    nodes = sort(Body(region, ("h",), (), ("product",), {"h": (B, 4)}, {}))
    with pytest.raises(InternalError, match=r"^'product' is no product of parts"):
        _cut(nodes, region, region.node("product"), _readers(nodes))


@settings(max_examples=40)
@given(
    parts=st.permutations("xzhc").flatmap(
        lambda p: st.integers(2, 4).map(lambda n: "".join(p[:n]))
    ),
    bias=st.sampled_from([None, Kind.ADD, Kind.BIAS_ADD]),
    transposed=st.booleans(),
)
def test_any_parts_in_any_order(parts, bias, transposed):
    body = body_of(parts, bias=bias, transposed=transposed)
    made = cut_products(sort(body))
    np.testing.assert_allclose(value(made), value(body), atol=1e-12)
    mixed = set(parts) & set("xz") and set(parts) & set("hc")
    assert (made.region is not body.region) == bool(mixed)
