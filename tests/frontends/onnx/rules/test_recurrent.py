"""LSTM, GRU and RNN against ONNX Runtime; what it lacks, against the onnx package's reference."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")

from onnx_nodes import (
    by_reference,
    by_rules,
    by_runtime,
    case,
    check,
    check_model,
    floats,
    model,
    model_of,
    node,
)
from onnx_rules import called
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.rules.recurrent import Function, _functions, _mask
from rnnlite.frontends.onnx.values import Value
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.lowering.schedule import Options

T, B, F, H = 3, 2, 3, 4
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
X = floats(T, B, F)


def weights(op, directions=1):
    gates = GATES[op]
    shapes = [(gates * H, F), (gates * H, H), (2 * gates * H,)]
    return [floats(directions, *s, scale=0.5) for s in shapes]


def state(directions=1):
    return floats(directions, B, H)


def recurrent(op, *more, directions=1, data=1, x=X, **attributes):
    if directions == 2:
        attributes["direction"] = "bidirectional"
    outputs = 3 if op == "LSTM" else 2
    given = [x, *weights(op, directions), *more]
    return case(op, *given, data=data, outputs=outputs, hidden_size=H, **attributes)


@pytest.mark.parametrize("op", GATES)
def test_directions_and_states(op):
    states = [state()] * (2 if op == "LSTM" else 1)
    both = [state(2)] * len(states)
    check(
        recurrent(op, direction="reverse"),
        recurrent(op, None, *states),
        recurrent(op, None, *both, directions=2),
    )


@pytest.mark.parametrize("op", GATES)
def test_any_length(op):
    proto, data = model_of([recurrent(op, directions=2)])
    check_model(proto, data, free={"c0_0": (None, B, F)})


@pytest.mark.parametrize("op", GATES)
def test_lengths(op):
    """Padded sequences: what is behind their ends is zero, and states are those at their ends."""
    lengths = np.asarray([3, 1], np.int32)
    check(*(recurrent(op, lengths, directions=d) for d in (1, 2)))


@pytest.mark.parametrize("op", GATES)
def test_batch_in_front(op):
    """layout=1, which ONNX Runtime has no kernel for."""
    states = [floats(B, 1, H)] * (2 if op == "LSTM" else 1)
    for more in ([], [None, *states]):
        one = recurrent(op, *more, x=X.transpose(1, 0, 2).copy(), layout=1)
        proto, data = model_of([one])
        check_model(proto, data, wanted=by_reference(proto, data))


@pytest.mark.parametrize("op", GATES)
def test_batch_in_front_is_the_other_layout_turned(op):
    """Both directions, which the reference has no layout for."""
    arrays = weights(op, 2)
    given = {"W": arrays[0], "R": arrays[1], "B": arrays[2]}
    ends = ["y", "h"]
    sides = {"hidden_size": H, "direction": "bidirectional"}
    plain = model([node(op, "x", "W", "R", "B", outputs=ends, **sides)], {"x": X}, given, ends)
    y, h = by_runtime(plain, {"x": X})
    x = X.transpose(1, 0, 2).copy()
    made = node(op, "x", "W", "R", "B", outputs=ends, layout=1, **sides)
    turned = model([made], {"x": x}, given, ends)
    wanted = [y.transpose(2, 0, 1, 3), h.transpose(1, 0, 2)]
    check_model(turned, {"x": x}, wanted=wanted)


def test_forms_of_lstm():
    peepholes = floats(1, 3 * H, scale=0.5)
    check(
        recurrent("LSTM", None, None, None, peepholes),
        recurrent("LSTM", clip=0.4),
        recurrent("LSTM", input_forget=1),
        recurrent("LSTM", activations=["HardSigmoid", "Softsign", "Relu"]),
        recurrent("LSTM", activations=["Sigmoid", "Affine", "Tanh"], activation_alpha=[0.7]),
    )


def test_forms_of_gru_and_rnn():
    check(
        *(recurrent("GRU", linear_before_reset=k) for k in (0, 1)),
        *(recurrent("GRU", linear_before_reset=k, clip=0.3) for k in (0, 1)),
        recurrent("GRU", activations=["HardSigmoid", "Softsign"]),
        recurrent("RNN", activations=["Relu"]),
        recurrent("RNN", clip=0.5, directions=2),
    )


def test_lstm_of_onnx_runtime_in_integers():
    """Its weights are int8 as (directions, inputs, gates); its arithmetic rounds more than ours.

    They have seven bits: where a processor has no instruction for it, ONNX Runtime adds two
    products in 16 bits, and larger ones saturate.
    """
    rng = np.random.default_rng(0)
    kernel, recurrent_kernel = (rng.integers(-63, 64, (1, n, 4 * H), np.int8) for n in (F, H))
    step, zero_point = np.full((1, 1), 0.008, np.float32)[0], np.zeros(1, np.int8)
    bias = floats(1, 8 * H, scale=0.2)
    one = case(
        "com.microsoft:DynamicQuantizeLSTM",
        X,
        kernel,
        recurrent_kernel,
        bias,
        *[None] * 4,
        step,
        zero_point,
        step,
        zero_point,
        hidden_size=H,
        outputs=3,
    )
    notes: list[str] = []
    check(one, tolerance=2e-2, options={"notes": notes})
    assert any("is computed in float" in n for n in notes)


def test_only_what_is_read_is_computed():
    arrays = dict(zip("WRB", weights("LSTM"), strict=True))
    taken = Recurrences(Options())
    nodes = [
        node("LSTM", "x", "W", "R", "B", outputs=["s"], hidden_size=H),
        node("Gather", "s", "last", axis=0),
    ]
    proto = model(nodes, {"x": X}, {**arrays, "last": np.asarray(-1)})
    check_model(proto, {"x": X}, recurrences=taken)
    (record,) = taken.records
    assert record.kind == "LSTM"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"activations": ["Sine"]}, "has the activation 'Sine'; expected"),
        ({"wrong": True}, "has weights of shape"),
    ],
)
def test_refusals(change, text):
    arrays = dict(zip("WRB", weights("RNN"), strict=True))
    if change.pop("wrong", False):
        arrays["W"] = np.concatenate([arrays["W"]] * 2, 1)
    made = node("RNN", "x", "W", "R", "B", hidden_size=H, **change)
    with pytest.raises(UnsupportedError, match=text):
        by_rules(model([made], {"x": X}, arrays), {"x": X})


def test_weights_that_are_computed_are_refused():
    arrays = dict(zip("WRB", weights("RNN"), strict=True))
    data = {"x": X, "W": arrays.pop("W")}
    proto = model([node("RNN", "x", "W", "R", "B", hidden_size=H)], data, arrays)
    with pytest.raises(UnsupportedError, match="the W of RNN 'y' is computed from the inputs"):
        by_rules(proto, data)


def form_of(op, **attributes):
    return Node(op, "", "it", ("x",), ("y",), attributes, 17)


def test_activations_that_are_left_to_the_op():
    for op, names in (("LSTM", "Sigmoid Tanh Tanh"), ("GRU", "Sigmoid Tanh"), ("RNN", "Tanh")):
        found = _functions(form_of(op), 2)
        assert found == [tuple(map(Function, names.split()))] * 2


def test_names_of_activations_in_any_case():
    assert _functions(form_of("RNN", activations=["TANH"]), 1) == [(Function("Tanh"),)]


def test_numbers_belong_to_the_activations_that_have_them():
    """In order, over both directions; those without take none."""
    found = _functions(
        form_of(
            "GRU",
            activations=["Sigmoid", "LeakyRelu", "HardSigmoid", "Tanh"],
            activation_alpha=[0.3, 0.25],
            activation_beta=[0.6],
        ),
        2,
    )
    assert found == [
        (Function("Sigmoid"), Function("LeakyRelu", 0.3)),
        (Function("HardSigmoid", 0.25, 0.6), Function("Tanh")),
    ]


@pytest.mark.parametrize(
    ("name", "alpha", "beta"),
    [
        ("LeakyRelu", 0.01, None),
        ("ThresholdedRelu", 1.0, None),
        ("ScaledTanh", 1.0, 1.0),
        ("HardSigmoid", 0.2, 0.5),
        ("Elu", 1.0, None),
        ("Affine", 1.0, 0.0),
        ("Softplus", None, None),
    ],
)
def test_numbers_that_are_left_to_the_activation(name, alpha, beta):
    assert _functions(form_of("RNN", activations=[name]), 1) == [(Function(name, alpha, beta),)]


@pytest.mark.parametrize(
    "name", ["Relu", "Softsign", "Softplus", "LeakyRelu", "HardSigmoid", "Elu"]
)
def test_any_activation_in_any_gate(name):
    given = {"activations": [name, name]}
    if name in ("LeakyRelu", "HardSigmoid", "Elu"):
        given["activation_alpha"] = [0.3, 0.4]
    if name == "HardSigmoid":
        given["activation_beta"] = [0.5, 0.4]
    check(recurrent("GRU", **given))


@pytest.mark.parametrize(
    ("lengths", "size", "masked"),
    [
        (None, 3, False),
        ([3, 3], 3, False),
        ([3, 2], 3, True),
        ([3, 3], None, True),
        ([0, 1], 3, True),
    ],
)
def test_time_steps_that_there_are(lengths, size, masked):
    found = []

    @tf.function(input_signature=[tf.TensorSpec([size, 2, 1])], autograph=False)
    def call(x):
        found.append(_mask(None if lengths is None else np.asarray(lengths, np.int32), x))
        return x if found[0] is None else found[0]

    mask = call(tf.zeros([3, 2, 1]))
    assert (found[0] is not None) == masked
    if masked:
        wanted = np.arange(3)[:, None] < np.asarray(lengths)
        np.testing.assert_array_equal(mask, wanted)


def test_lengths_that_are_computed_are_a_mask():
    assert _mask(Value.of(tf.constant([3, 3])), tf.zeros([3, 2, 1])) is not None


@pytest.mark.parametrize("op", GATES)
def test_kernels_of_another_number_of_gates_are_refused(op):
    kernel, recurrent_kernel, _ = weights(op)
    text = rf"weights of shape \(1, .*expected \(directions, {GATES[op]}"
    with pytest.raises(UnsupportedError, match=text):
        called(op, Value.of(tf.constant(X)), kernel[:, 1:], recurrent_kernel, outputs=2)


@pytest.mark.parametrize(("place", "what"), [(1, "W"), (2, "R"), (3, "B")])
def test_each_kind_of_weight_is_to_be_known(place, what):
    given = [Value.of(tf.constant(X)), *weights("GRU")]
    given[place] = Value.of(tf.constant(given[place]))
    with pytest.raises(UnsupportedError, match=f"the {what} of GRU 'it' is computed from the in"):
        called("GRU", *given, outputs=2)


def test_an_activation_that_there_is_none_of():
    with pytest.raises(UnsupportedError, match="node RNN 'it' has the activation 'Cos'"):
        _functions(form_of("RNN", activations=["Cos"]), 1)
