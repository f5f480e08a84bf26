"""LSTM, GRU and RNN against ONNX Runtime; what it lacks, against the onnx package's reference."""

import numpy as np
import pytest

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
from rnnlite.errors import UnsupportedError
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
