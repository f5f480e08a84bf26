"""Einsum over free lengths, against TensorFlow; which of them are rewritten at all."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.lite.before_translation.einsum import Equation, in_products, is_refused, read_equation
from rnnlite.lite.before_translation.rewrite import rewrite
from rnnlite.lite.translate import run_converter

REFUSED = [
    "bti,btf->bf",
    "bt,bt->b",
    "bt,bs->bts",
    "btf,bt->btf",
    "btf,btf->bt",
    "btf,btf->",
    "bt,f->btf",
    "btf,tb->fbt",
]
SIZES = {"b": 2, "t": 5, "s": 3, "f": 4, "i": 1}


def operands(equation):
    rng = np.random.default_rng(0)
    sides = equation.split("->")[0].split(",")
    return [rng.standard_normal([SIZES[a] for a in axes]).astype(np.float32) for axes in sides]


@pytest.mark.parametrize("equation", REFUSED)
def test_its_products_and_sums_say_the_same(equation):
    arrays = operands(equation)
    found = in_products(read_equation(equation), *arrays)
    np.testing.assert_allclose(found, np.einsum(equation, *arrays), atol=1e-5)


def test_all_of_them_are_converted():
    arrays = operands("bti,btf->bf")
    free = [tf.TensorSpec([None, None, d]) for d in (1, 4)]

    @tf.function(input_signature=free)
    def function(w, v):
        found = {"bti,btf->bf": tf.einsum("bti,btf->bf", w, v)}
        found["bt,bs->bts"] = tf.einsum("bt,bs->bts", w[:, :, 0], v[:, :, 1])
        found["btf,bt->btf"] = tf.einsum("btf,bt->btf", v, w[:, :, 0])
        found["btf,btf->bt"] = tf.einsum("btf,btf->bt", v, v + 1.0)
        return found

    concrete = function.get_concrete_function()
    rewritten = rewrite(concrete)
    assert not [op for op in rewritten.graph.get_operations() if op.type == "Einsum"]
    interpreter = Interpreter(model_content=run_converter(rewritten)[0])
    for detail in interpreter.get_input_details():
        array = arrays[0] if detail["shape_signature"][-1] == 1 else arrays[1]
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        array = arrays[0] if detail["shape_signature"][-1] == 1 else arrays[1]
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    found = {
        tuple(y.shape): y
        for y in (interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details())
    }
    expected = {tuple(y.shape): y.numpy() for y in concrete(*map(tf.constant, arrays)).values()}
    assert found.keys() == expected.keys()
    for shape, y in expected.items():
        np.testing.assert_allclose(found[shape], y, atol=1e-5)


@pytest.mark.parametrize("equation", ["btf,fg->btg", "bt,btf->bf", "bqd,bkd->bqk"])
def test_products_of_matrices_stay(equation):
    assert not is_refused(read_equation(equation))


@pytest.mark.parametrize("equation", ["ab->ba", "...a,ab->...b", "aa,ab->b", "a,b,c->abc"])
def test_other_forms_are_not_read(equation):
    assert read_equation(equation) is None


def test_an_equation_prints_as_it_is_written():
    assert str(Equation("bt", "btf", "bf")) == "bt,btf->bf"
    assert read_equation("bt, btf -> bf") == Equation("bt", "btf", "bf")


@pytest.mark.parametrize(
    ("equation", "alone", "product"),
    [
        ("bti,btf->bf", "i", True),
        ("bt,bt->b", "", False),
        ("bt,bs->bts", "", False),
        ("btf,fg->btg", "", True),
        ("btf,bt->btf", "", False),
        ("ab,cd->", "abcd", False),
        ("ab,bc->ac", "", True),
    ],
)
def test_axes_of_one_operand_and_products(equation, alone, product):
    found = read_equation(equation)
    assert (found.alone, found.is_matrix_product) == (alone, product)
    assert is_refused(found) == (bool(alone) or not product)


def test_axes_that_are_summed_already():
    assert str(read_equation("bti,btf->bf").without("i")) == "bt,btf->bf"
    assert str(read_equation("ab,ab->").without("ab")) == ",->"


LETTERS = "btfs"
AXES = st.permutations(LETTERS).flatmap(
    lambda order: st.integers(1, 4).map(lambda n: "".join(order[:n]))
)


@settings(max_examples=50, deadline=None)
@given(AXES, AXES, st.randoms(use_true_random=False))
def test_any_equation_of_plain_letters(left, right, random):
    """Whatever is refused is computed by products and sums."""
    axes = sorted(set(left + right))
    result = "".join(random.sample(axes, random.randint(0, len(axes))))
    equation = f"{left},{right}->{result}"
    found = read_equation(equation)
    assert str(found) == equation
    if not is_refused(found):
        return
    arrays = operands(equation)
    made = in_products(found, *map(tf.constant, arrays))
    np.testing.assert_allclose(made, np.einsum(equation, *arrays), rtol=1e-4, atol=1e-4)
