"""ONNX models as users have them: converted, and compared with ONNX Runtime and PyTorch."""

import numpy as np
import pytest
import tensorflow as tf

import rnnlite
from rnnlite.errors import OptionError, ShapeError, SourceError, UnsupportedError
from rnnlite.frontends.functions import session_runner

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

RNG = np.random.default_rng(0)
UNITS, FEATURES = 6, 4


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def weights(gates, directions=1, features=FEATURES, scale=0.5):
    shapes = {
        "W": (directions, gates * UNITS, features),
        "R": (directions, gates * UNITS, UNITS),
        "B": (directions, 2 * gates * UNITS),
    }
    return [constant(n, (scale * RNG.normal(size=s)).astype(np.float32)) for n, s in shapes.items()]


def model(nodes, inputs, outputs, initializers=(), opset=18):
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs],
        [helper.make_tensor_value_info(n, t, s) for n, t, s in outputs],
        list(initializers),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


FLOAT = TensorProto.FLOAT


def recurrent(op, gates, directions=1, opset=18, **attributes):
    """x (T, B, F) -> y (T, D, B, H), state (D, B, H)."""
    node = helper.make_node(
        op, ["x", "W", "R", "B"], ["y", "h"], hidden_size=UNITS, name="cell", **attributes
    )
    return model(
        [node],
        [("x", FLOAT, ["T", "batch", FEATURES])],
        [("y", FLOAT, ["T", directions, "batch", UNITS]), ("h", FLOAT, None)],
        weights(gates, directions),
        opset,
    )


def reference(made, *arrays):
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([i.name for i in session.get_inputs()], arrays, strict=True)))


def check(made, lengths=(1, 2, 7, 40), batch=1, **options):
    """The converted file against ONNX Runtime, at lengths and a batch."""
    converted = rnnlite.convert(made, batch_size=batch, **options)
    lite = rnnlite.load(converted.tflite)
    for length in lengths:
        x = RNG.normal(size=(length, batch, FEATURES)).astype(np.float32)
        for found, wanted in zip(lite.run([x]), reference(made, x), strict=True):
            np.testing.assert_allclose(found, wanted, atol=2e-5)
    return converted


@pytest.mark.parametrize(
    ("op", "gates", "kind"), [("LSTM", 4, "LSTM"), ("GRU", 3, "GRU"), ("RNN", 1, "SimpleRNN")]
)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_recurrences(op, gates, kind, direction):
    directions = 2 if direction == "bidirectional" else 1
    made = recurrent(op, gates, directions, direction=direction)
    converted = check(made, batch=2)
    report = converted.report
    lite = rnnlite.load(converted.tflite)
    assert [s.batch_axis for s in (*lite.inputs, *lite.outputs)] == [1, 2, 1]
    assert {r["kind"] for r in report.recurrences} == {kind}


@pytest.mark.parametrize(
    "attributes",
    [
        {"clip": 0.5},
        {"input_forget": 1},
        {"activations": ["HardSigmoid", "Softsign", "Relu"]},
        {"activations": ["Sigmoid", "Affine", "Affine"], "activation_alpha": [0.5, 0.7]},
    ],
    ids=["clip", "coupled", "activations", "alphas"],
)
def test_forms_of_lstm(attributes):
    check(recurrent("LSTM", 4, **attributes))


@pytest.mark.parametrize("reset_after", [0, 1])
def test_forms_of_gru(reset_after):
    check(recurrent("GRU", 3, linear_before_reset=reset_after))
    check(recurrent("GRU", 3, linear_before_reset=reset_after, clip=0.3))


def test_peepholes():
    node = helper.make_node("LSTM", ["x", "W", "R", "B", "", "", "", "P"], ["y"], hidden_size=UNITS)
    peepholes = constant("P", (0.5 * RNG.normal(size=(1, 3 * UNITS))).astype(np.float32))
    made = model(
        [node],
        [("x", FLOAT, ["T", 1, FEATURES])],
        [("y", FLOAT, None)],
        [*weights(4), peepholes],
    )
    check(made)


def test_lengths_are_masks():
    """Padded sequences, as packed ones are exported."""
    node = helper.make_node(
        "LSTM",
        ["x", "W", "R", "B", "lengths"],
        ["y", "h"],
        hidden_size=UNITS,
        direction="bidirectional",
    )
    made = model(
        [node],
        [("x", FLOAT, ["T", "batch", FEATURES]), ("lengths", TensorProto.INT32, ["batch"])],
        [("y", FLOAT, None), ("h", FLOAT, None)],
        weights(4, 2),
    )
    converted = rnnlite.convert(made, batch_size=3)
    assert all(r["masked"] for r in converted.report.recurrences)
    x = RNG.normal(size=(9, 3, FEATURES)).astype(np.float32)
    counts = np.array([9, 4, 1], np.int32)
    found = rnnlite.load(converted.tflite).run([x, counts])
    for y, wanted in zip(found, reference(made, x, counts), strict=True):
        np.testing.assert_allclose(y, wanted, atol=2e-5)


def test_states_go_in_and_out():
    node = helper.make_node(
        "GRU", ["x", "W", "R", "B", "", "h0"], ["", "h"], hidden_size=UNITS, linear_before_reset=1
    )
    made = model(
        [node],
        [("x", FLOAT, ["T", "batch", FEATURES]), ("h0", FLOAT, [1, "batch", UNITS])],
        [("h", FLOAT, [1, "batch", UNITS])],
        weights(3),
    )
    lite = rnnlite.load(rnnlite.convert(made).tflite)
    assert [s.name for s in (*lite.inputs, *lite.outputs)] == ["x", "h0", "h"]
    x = RNG.normal(size=(8, 1, FEATURES)).astype(np.float32)
    state = np.zeros((1, 1, UNITS), np.float32)
    (whole,) = lite.run([x, state])
    (half,) = lite.run([x[:3], state])
    (rest,) = lite.run([x[3:], half])
    np.testing.assert_allclose(rest, whole, atol=1e-6)
    np.testing.assert_allclose(whole, reference(made, x, state)[0], atol=2e-5)


def scan_model():
    """A leaky sum, as a Scan: y = 0.9 y + x."""
    body = helper.make_graph(
        [
            helper.make_node("Mul", ["s", "decay"], ["kept"]),
            helper.make_node("Add", ["kept", "row"], ["new"]),
            helper.make_node("Identity", ["new"], ["out"]),
        ],
        "body",
        [helper.make_tensor_value_info(n, FLOAT, [1, FEATURES]) for n in ("s", "row")],
        [helper.make_tensor_value_info(n, FLOAT, [1, FEATURES]) for n in ("new", "out")],
    )
    node = helper.make_node("Scan", ["s0", "x"], ["last", "y"], body=body, num_scan_inputs=1)
    return model(
        [node],
        [("x", FLOAT, ["T", 1, FEATURES])],
        [("y", FLOAT, ["T", 1, FEATURES]), ("last", FLOAT, [1, FEATURES])],
        [constant("s0", np.zeros((1, FEATURES), np.float32)), constant("decay", np.float32(0.9))],
    )


def test_a_scan_is_a_recurrence():
    report = check(scan_model()).report
    assert len(report.recurrences) == 1
    assert not [n for n in report.notes if "plain loop" in n]


def loop_model():
    """The same as a Loop that gathers its row."""
    body = helper.make_graph(
        [
            helper.make_node("Gather", ["x", "i"], ["row"], axis=0),
            helper.make_node("Mul", ["s", "decay"], ["kept"]),
            helper.make_node("Add", ["kept", "row"], ["new"]),
            helper.make_node("Identity", ["new"], ["out"]),
            helper.make_node("Identity", ["go"], ["more"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("s", FLOAT, [1, FEATURES]),
        ],
        [
            helper.make_tensor_value_info("more", TensorProto.BOOL, []),
            helper.make_tensor_value_info("new", FLOAT, [1, FEATURES]),
            helper.make_tensor_value_info("out", FLOAT, [1, FEATURES]),
        ],
    )
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["count"], axis=0),
        helper.make_node("Loop", ["count", "yes", "s0"], ["last", "y"], body=body),
    ]
    return model(
        nodes,
        [("x", FLOAT, ["T", 1, FEATURES])],
        [("y", FLOAT, ["T", 1, FEATURES]), ("last", FLOAT, [1, FEATURES])],
        [
            constant("s0", np.zeros((1, FEATURES), np.float32)),
            constant("decay", np.float32(0.9)),
            constant("zero", np.int64(0)),
            constant("yes", np.bool_(True)),
        ],
    )


def test_a_loop_over_rows_is_a_recurrence():
    report = check(loop_model()).report
    assert len(report.recurrences) == 1
    assert not [n for n in report.notes if "plain loop" in n]


def test_a_condition_that_is_known_is_decided():
    branches = {
        f"{k}_branch": helper.make_graph(
            [helper.make_node(op, ["x"], [f"{k}_y"])],
            k,
            [],
            [helper.make_tensor_value_info(f"{k}_y", FLOAT, None)],
        )
        for k, op in (("then", "Tanh"), ("else", "Relu"))
    }
    nodes = [
        helper.make_node("Equal", ["rate", "low"], ["slow"]),
        helper.make_node("If", ["slow"], ["y"], **branches),
    ]
    made = model(
        nodes,
        [("x", FLOAT, ["T", 1, FEATURES]), ("rate", TensorProto.INT64, [])],
        [("y", FLOAT, None)],
        [constant("low", np.int64(8000))],
    )
    x = RNG.normal(size=(5, 1, FEATURES)).astype(np.float32)
    for rate, function in ((8000, np.tanh), (16000, lambda a: np.maximum(a, 0))):
        lite = rnnlite.load(rnnlite.convert(made, constants={"rate": rate}).tflite)
        np.testing.assert_allclose(lite.run([x])[0], function(x), atol=1e-6)


def test_transposes_between_convolutions_cancel():
    """Channels first in the model, last in the file: no TRANSPOSE but at the ends."""
    nodes, initializers, current, channels = [], [], "x", FEATURES
    for k in range(3):
        kernel = (0.3 * RNG.normal(size=(8, channels, 3))).astype(np.float32)
        initializers.append(constant(f"w{k}", kernel))
        nodes.append(
            helper.make_node("Conv", [current, f"w{k}"], [f"c{k}"], pads=[1, 1], kernel_shape=[3])
        )
        nodes.append(helper.make_node("Relu", [f"c{k}"], [f"r{k}"]))
        current, channels = f"r{k}", 8
    nodes.append(helper.make_node("Transpose", [current], ["t"], perm=[2, 0, 1]))
    nodes.append(helper.make_node("RNN", ["t", "W", "R", "B"], ["", "h"], hidden_size=UNITS))
    made = model(
        nodes,
        [("x", FLOAT, ["batch", FEATURES, "T"])],
        [("h", FLOAT, None)],
        [*initializers, *weights(1, features=8)],
    )
    converted = rnnlite.convert(made)
    assert converted.report.ops["TRANSPOSE"] <= 2
    lite = rnnlite.load(converted.tflite)
    assert lite.inputs[0].shape == (1, FEATURES, None)
    for length in (1, 6, 50):
        x = RNG.normal(size=(1, FEATURES, length)).astype(np.float32)
        np.testing.assert_allclose(lite.run([x])[0], reference(made, x)[0], atol=2e-5)


@pytest.mark.parametrize("mode", ["float16", "dynamic", "int8", "int16x8"])
def test_quantized(mode):
    made = recurrent("LSTM", 4, 2, direction="bidirectional")
    samples = [
        RNG.normal(size=(int(t), FEATURES)).astype(np.float32) for t in RNG.integers(4, 30, 40)
    ]
    report = rnnlite.convert(made, quantize=mode, calibration=samples).report
    limit = {"float16": 0.01, "dynamic": 0.05, "int8": 0.12, "int16x8": 0.03}[mode]
    assert all(a.rms_error < limit for a in report.quantization.accuracy)


def test_files_verify_and_freeze(tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(recurrent("GRU", 3), path)
    converted = rnnlite.convert(path)
    assert converted.report.origin == "ONNX model 'net.onnx'"
    assert rnnlite.verify(path, converted.tflite).parity.within
    ends = rnnlite.freeze(path, tmp_path / "net.pb")
    assert [s.name for s in ends.inputs] == ["x"]
    graph = tf.compat.v1.GraphDef.FromString((tmp_path / "net.pb").read_bytes())
    run = session_runner(graph, ["x:0"], ["y:0"], ["float32"])
    x = RNG.normal(size=(6, 1, FEATURES)).astype(np.float32)
    np.testing.assert_allclose(run([x])[0], rnnlite.load(converted.tflite).run([x])[0], atol=1e-6)


def test_other_tensors_as_outputs():
    made = loop_model()
    lite = rnnlite.load(rnnlite.convert(made, outputs=["last"]).tflite)
    assert [s.name for s in lite.outputs] == ["last"]
    with pytest.raises(SourceError, match="has no tensor 'nothing'; expected the name of a node's"):
        rnnlite.convert(made, outputs=["nothing"])


def test_halves_are_computed_in_float32():
    made = recurrent("RNN", 1)
    for tensor in made.graph.initializer:
        tensor.CopyFrom(constant(tensor.name, numpy_helper.to_array(tensor).astype(np.float16)))
    for value in (*made.graph.input, *made.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    converted = rnnlite.convert(made, max_error=None, verify=False)
    assert converted.report.inputs[0]["dtype"] == "float32"
    assert "float16 is computed in float32" in converted.report.notes


class TestRefusals:
    def test_an_op_without_a_rule(self):
        node = helper.make_node("Det", ["x"], ["y"], name="end")
        made = model([node], [("x", FLOAT, ["T", 2, 2])], [("y", FLOAT, None)])
        with pytest.raises(UnsupportedError, match=r"have no rule: Det \(node 'end'\); expected"):
            rnnlite.convert(made)

    def test_strings_and_sequences(self):
        made = model(
            [helper.make_node("Identity", ["x"], ["y"])],
            [("x", TensorProto.STRING, ["T"])],
            [("y", TensorProto.STRING, ["T"])],
        )
        with pytest.raises(UnsupportedError, match="'x' takes or gives strings"):
            rnnlite.convert(made)
        graph = helper.make_graph(
            [helper.make_node("SequenceConstruct", ["x"], ["y"])],
            "s",
            [helper.make_tensor_value_info("x", FLOAT, [1])],
            [helper.make_tensor_sequence_value_info("y", FLOAT, None)],
        )
        with pytest.raises(UnsupportedError, match="'y' of the ONNX model is a sequence"):
            rnnlite.convert(helper.make_model(graph))

    def test_an_old_operator_set(self):
        made = recurrent("RNN", 1)
        made.opset_import[0].version = 6
        with pytest.raises(SourceError, match="operator set that is not read; expected 7 to"):
            rnnlite.convert(made)

    def test_damaged_files(self, tmp_path):
        path = tmp_path / "net.onnx"
        content = recurrent("LSTM", 4).SerializeToString()
        for data in (content[: len(content) // 2], b"\x08\x09garbage", b"nonsense", content[:8]):
            path.write_bytes(data)
            with pytest.raises(SourceError, match=r"net\.onnx"):
                rnnlite.convert(path)

    def test_external_data_that_is_gone(self, tmp_path):
        path = tmp_path / "net.onnx"
        onnx.save(
            recurrent("LSTM", 4),
            path,
            save_as_external_data=True,
            location="weights.bin",
            size_threshold=0,
        )
        assert rnnlite.convert(path).report.parity.within
        (tmp_path / "weights.bin").unlink()
        with pytest.raises(SourceError, match=r"external data of '.*net.onnx' cannot be read"):
            rnnlite.convert(path)

    def test_weights_that_are_computed(self):
        node = helper.make_node("RNN", ["x", "w", "R"], ["y"], hidden_size=UNITS, name="cell")
        made = model(
            [node],
            [("x", FLOAT, ["T", 1, FEATURES]), ("w", FLOAT, [1, UNITS, FEATURES])],
            [("y", FLOAT, None)],
            weights(1)[1:2],
        )
        with pytest.raises(
            UnsupportedError, match="the W of RNN 'cell' is computed from the inputs"
        ):
            rnnlite.convert(made)

    def test_options_and_constants(self):
        made = recurrent("RNN", 1)
        with pytest.raises(OptionError, match="signature"):
            rnnlite.convert(made, signature="a")
        with pytest.raises(SourceError, match="the constant 'rate' is no input"):
            rnnlite.convert(made, constants={"rate": 1})
        with pytest.raises(SourceError, match="takes no tensor; expected an input left"):
            rnnlite.convert(made, constants={"x": np.zeros((3, 1, FEATURES))})
        with pytest.raises(SourceError, match="the constant 'x' does not fit the input 'x'"):
            rnnlite.convert(made, constants={"x": "text"})

    def test_an_input_of_unknown_rank(self):
        made = recurrent("RNN", 1)
        made.graph.input[0].type.tensor_type.ClearField("shape")
        with pytest.raises(ShapeError, match="the rank of input 'x' is not known"):
            rnnlite.convert(made)


def test_a_time_major_output_without_its_batch_keeps_all_steps():
    """The model takes no other batch than 1, so no axis is seen to grow."""
    nodes = [
        helper.make_node("LSTM", ["x", "W", "R", "B"], ["all", "h"], hidden_size=UNITS),
        helper.make_node("Squeeze", ["all", "one"], ["rows"]),
        helper.make_node("Squeeze", ["rows", "one"], ["y"]),
    ]
    proto = model(
        nodes,
        [("x", TensorProto.FLOAT, ["T", 1, FEATURES])],
        [("y", TensorProto.FLOAT, ["T", UNITS]), ("h", TensorProto.FLOAT, [1, 1, UNITS])],
        [*weights(4), constant("one", np.array([1], np.int64))],
    )
    x = RNG.normal(size=(7, FEATURES)).astype(np.float32)
    found = rnnlite.load(rnnlite.convert(proto).tflite).predict([x])
    session = ort.InferenceSession(proto.SerializeToString())
    y, h = session.run(["y", "h"], {"x": x[:, None]})
    np.testing.assert_allclose(found["y"][0], y, atol=1e-6)
    np.testing.assert_allclose(found["h"][0], h[0], atol=1e-6)
