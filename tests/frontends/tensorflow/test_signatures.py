"""Inputs and outputs of a graph, and the sizes that they take."""

import building
import numpy as np
import pytest
import tensorflow as tf
from building import graph_def, node, placeholder

import rnnlite
from rnnlite.errors import ShapeError, SourceError, UnsupportedError
from rnnlite.frontends.request import Request
from rnnlite.frontends.tensorflow.nodes import graph_of
from rnnlite.frontends.tensorflow.signatures import (
    declared_shape,
    declared_type,
    inferred,
    is_time_major,
    shaped,
    signature_refs,
    spec_of,
)
from rnnlite.specs import TensorSpec

v1 = tf.compat.v1
F = tf.float32


def test_outputs_that_depend_on_no_input(tmp_path):
    nodes = node("Const", "c", dtype=F, value=1.0), node("Tanh", "y", "c", T=F), placeholder()
    path = building.write_nodes(tmp_path / "graph.pb", *nodes)
    with pytest.raises(SourceError, match="the outputs depend on no input; expected a placeholder"):
        rnnlite.convert(path, outputs=["y:0"])


@pytest.fixture
def pinned(tmp_path):
    nodes = placeholder(shape=(None, 5, 4)), node("Tanh", "y", "x", T=F)
    return building.write_nodes(tmp_path / "graph.pb", *nodes)


@pytest.mark.parametrize("value", [0, -2, True, "many", 2.0])
@pytest.mark.parametrize("name", ["batch_size", "sequence_length"])
def test_what_is_no_size(pinned, name, value):
    with pytest.raises(ShapeError, match=f'{name} is no size; expected "auto", None or'):
        rnnlite.convert(pinned, **{name: value})


def test_a_length_that_the_graph_does_not_take(pinned):
    with pytest.raises(ShapeError, match="input 'x' cannot have length 7; expected 5, which the"):
        rnnlite.convert(pinned, sequence_length=7)
    shape = rnnlite.convert(pinned, sequence_length=5).report.inputs[0]["shape"]
    assert tuple(shape) == (1, 5, 4)


def table(*nodes):
    return graph_of(graph_def(*nodes))


@pytest.fixture(scope="module")
def two_inputs():
    """y of x, z of the labels; the labels are an input of their own."""
    return table(
        placeholder("x"),
        placeholder("labels", (None,)),
        node("Tanh", "y", "x", T=F),
        node("AddV2", "z", "y", "labels", T=F),
    )


@pytest.mark.parametrize(
    ("inputs", "outputs", "ends"),
    [
        (None, ["y:0"], (("x:0",), ("y:0",))),
        (None, ["z"], (("x:0", "labels:0"), ("z:0",))),
        (["labels", "x:0"], ["z:0"], (("labels:0", "x:0"), ("z:0",))),
        (["y:0"], ["z:0"], (("y:0",), ("z:0",))),
        (None, None, (("x:0", "labels:0"), ("z:0",))),
    ],
)
def test_ends(two_inputs, inputs, outputs, ends):
    found = signature_refs(two_inputs, inputs, outputs)
    assert (found.inputs, found.outputs) == ends
    said = [n.split(" (")[0] for n in found.notes]
    wanted = ["outputs found"] * (outputs is None) + ["inputs found"] * (inputs is None)
    assert said == wanted


@pytest.mark.parametrize("name", ["w:0", "lab"])
def test_an_end_that_is_not_there(two_inputs, name):
    for given in ({"inputs": [name], "outputs": ["z:0"]}, {"inputs": None, "outputs": [name]}):
        with pytest.raises(SourceError, match=f"the graph has no tensor '{name}(:0)?'"):
            signature_refs(two_inputs, given["inputs"], given["outputs"])


def declared(**attributes):
    made = node("Placeholder", "x", dtype=F)
    for key, shape in attributes.items():
        proto = tf.TensorShape(shape).as_proto()
        if key == "shape":
            made.attr[key].shape.CopyFrom(proto)
        else:
            made.attr["_output_shapes"].list.shape.append(proto)
    return made


@pytest.mark.parametrize(
    ("attributes", "shape"),
    [
        ({"shape": [2, None]}, [2, None]),
        ({"shape": None, "output_shapes": [3, None]}, [3, None]),
        ({"shape": [2], "output_shapes": [3]}, [2]),
        ({"output_shapes": [4]}, [4]),
        ({}, None),
    ],
)
def test_the_shape_that_is_declared(attributes, shape):
    found = declared_shape(declared(**attributes))
    assert (None if found.rank is None else found.as_list()) == shape


def test_the_type_that_is_declared():
    assert declared_type(node("Placeholder", "x", dtype=tf.int64)) == tf.int64
    assert declared_type(node("PlaceholderWithDefault", "x", T=tf.bool)) == tf.bool


def test_an_inner_tensor_as_an_input():
    """Its type and shape are inferred, whatever it waits for."""
    graph = table(
        placeholder("x", (None, 7, 4)),
        node("NoOp", "before"),
        node("Const", "axis", dtype=tf.int32, value=np.int32(1)),
        node("ArgMax", "best", "x", "axis", "^before", T=F, Tidx=tf.int32, output_type=tf.int64),
    )
    assert inferred(graph, "best:0") == (tf.int64, tf.TensorShape([None, 4]))
    assert spec_of(graph, "best:0") == TensorSpec("best", (None, 4), "int64")


def test_an_input_of_strings():
    graph = table(
        node("Placeholder", "text", dtype=tf.string),
        node("DecodeRaw", "numbers", "text", out_type=F),
    )
    message = (
        "input 'text:0' takes strings, which LiteRT models here do not; expected numbers. "
        "Name inputs behind the decoding: 'numbers:0' (--inputs)."
    )
    with pytest.raises(UnsupportedError) as found:
        spec_of(graph, "text:0")
    assert str(found.value) == message


def test_the_shape_of_strings_is_no_place_to_cut():
    graph = table(
        node("Placeholder", "text", dtype=tf.string),
        node("Shape", "shape", "text", T=tf.string, out_type=tf.int32),
        node("Reshape", "same", "text", "shape", T=tf.string, Tshape=tf.int32),
        node("StringLength", "length", "same"),
    )
    with pytest.raises(UnsupportedError, match=r"behind the decoding: 'length:0' \(--inputs\)"):
        spec_of(graph, "text:0")


def test_an_input_of_unknown_rank():
    message = (
        r"^the rank of input 'keep:0' is not known; expected a placeholder with a shape\. If it is "
        r"a switch .* constants=\{'keep:0': VALUE\} \(--constant keep:0=VALUE\); if it takes data,"
    )
    with pytest.raises(ShapeError, match=message):
        spec_of(table(node("Placeholder", "keep", dtype=F)), "keep:0")


def behind(*nodes):
    return table(placeholder("x", (None, None, 4)), node("Const", "i", dtype=tf.int32), *nodes)


TIME_MAJOR = {
    "rows of a TensorArray": (node("TensorArrayScatterV3", "n", "a", "i", "x", "f"), True),
    "rows of a list": (node("TensorListFromTensor", "n", "x", "i"), True),
    "BlockLSTM": (node("BlockLSTM", "n", "i", "x"), True),
    "its length": (node("BlockLSTM", "n", "x", "i"), False),
    "CudnnRNN": (node("CudnnRNNV2", "n", "x", "i"), True),
    "its state": (node("CudnnRNNV2", "n", "i", "x"), False),
    "the indices of rows": (node("TensorArrayScatterV3", "n", "a", "x", "i", "f"), False),
    "nothing": (node("Tanh", "n", "x"), False),
}


@pytest.mark.parametrize("case", TIME_MAJOR)
def test_what_goes_into_a_loop_as_it_is(case):
    reader, wanted = TIME_MAJOR[case]
    assert is_time_major(behind(reader), "x:0") == wanted


@pytest.mark.parametrize(
    ("op", "inputs", "wanted"),
    [
        ("Identity", ("x",), True),
        ("Cast", ("x",), True),
        ("ReverseV2", ("x", "i"), True),
        ("ReverseSequence", ("x", "i"), True),
        ("GatherV2", ("i", "x"), True),
        ("GatherV2", ("x", "i"), False),
        ("Transpose", ("x", "i"), False),
    ],
)
def test_what_leaves_time_where_it_is(op, inputs, wanted):
    """An embedding takes ids; a transpose turns the batch to the front."""
    graph = behind(node(op, "m", *inputs), node("TensorListFromTensor", "n", "m", "i"))
    assert is_time_major(graph, "x:0") == wanted


def sized(shape, *, time_major=False, dtype="float32", axes=None, **request):
    reader = "TensorListFromTensor" if time_major else "Tanh"
    graph = behind(node(reader, "n", "x", "i"))
    (found,) = shaped(graph, [("x:0", TensorSpec("x", shape, dtype))], Request(**request), axes)
    return found.shape, found.batch_axis


@pytest.mark.parametrize(
    ("shape", "options", "found"),
    [
        ((None, None, 4), {}, ((1, None, 4), 0)),
        ((None, None, 4), {"batch_size": None}, ((None, None, 4), 0)),
        ((None, None, 4), {"batch_size": 3, "sequence_length": 9}, ((3, 9, 4), 0)),
        ((5, None, 4), {}, ((5, None, 4), 0)),
        ((5, None, 4), {"batch_size": None}, ((5, None, 4), 0)),
        ((None, None, 4), {"time_major": True, "batch_size": 2}, ((None, 2, 4), 1)),
        ((None, None, 4), {"time_major": True, "sequence_length": 6}, ((6, 1, 4), 1)),
        ((None, 7, 4), {}, ((1, 7, 4), 0)),
        ((None, 4), {"sequence_length": 6}, ((1, 4), 0)),
        ((), {"batch_size": 4, "sequence_length": 2}, ((), None)),
        # Two axes without a batch: what is known of its axis comes first.
        ((None, 4), {"axes": {"x:0": None}, "sequence_length": 6}, ((6, 4), None)),
        ((None, None, 4), {"axes": {"x:0": 1}}, ((None, 1, 4), 1)),
    ],
    ids=str,
)
def test_sizes_that_are_asked_for(shape, options, found):
    assert sized(shape, **options) == found


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        (
            (5, None, 4),
            {"batch_size": 2},
            "input 'x' cannot have batch size 2; expected 5, which the graph pins; found "
            "[5, None, 4]. Leave batch_size at auto, or freeze the graph with a free batch axis.",
        ),
        (
            (None, 7, 4),
            {"sequence_length": 6},
            "input 'x' cannot have length 6; expected 7, which the graph pins; found "
            "[None, 7, 4]. Leave sequence_length at auto.",
        ),
        (
            (None, 7, 4),
            {"sequence_length": None},
            "the length of input 'x' cannot be freed; expected a free axis; found [None, 7, 4]. "
            "Use sequence_length='auto' to keep it, or freeze the graph with a free length.",
        ),
        (
            (None, None, 4),
            {"batch_size": 0},
            'batch_size is no size; expected "auto", None or an int of 1 or more; found 0.',
        ),
    ],
    ids=["batch", "length", "free length", "no size"],
)
def test_sizes_that_the_graph_does_not_take(shape, options, message):
    with pytest.raises(ShapeError) as found:
        sized(shape, **options)
    assert str(found.value) == message


def test_an_input_of_one_whole_number_a_sequence_counts():
    graph = behind(node("Tanh", "n", "x"))
    specs = [("x:0", TensorSpec("x", (None,), dtype)) for dtype in ("int32", "int64", "float32")]
    assert [p.counts for p in shaped(graph, specs, Request())] == [True, True, False]


def test_a_batch_that_one_input_pins_is_that_of_all():
    graph = behind(node("Tanh", "n", "x"))
    specs = [
        ("x:0", TensorSpec(n, s, "float32")) for n, s in (("x", (None, None, 4)), ("h", (3, 5)))
    ]
    assert [p.shape for p in shaped(graph, specs, Request())] == [(3, None, 4), (3, 5)]


@pytest.mark.parametrize(
    ("shapes", "found"),
    [
        # States (layers, batch, units): the sequence tells the batch.
        ([(1, None, 4), (2, 1, 8)], [((1, None, 4), 0), ((2, 1, 8), 1)]),
        ([(3, None, 4), (2, 3, 8), (3, 8)], [((3, None, 4), 0), ((2, 3, 8), 1), ((3, 8), 0)]),
        # No axis of that size: no batch axis.
        ([(1, None, 4), (2, 5)], [((1, None, 4), 0), ((2, 5), None)]),
        ([(3, 5), (2, 5)], [((3, 5), None), ((2, 5), None)]),
    ],
    ids=str,
)
def test_pinned_sizes_that_differ(shapes, found):
    """Nobody asked for a batch size that one of them could not have."""
    graph = behind(node("Tanh", "n", "x"))
    specs = [("x:0", TensorSpec(f"p{k}", s, "float32")) for k, s in enumerate(shapes)]
    assert [(p.shape, p.batch_axis) for p in shaped(graph, specs, Request())] == found
    with pytest.raises(ShapeError, match="cannot have batch size 7; expected"):
        shaped(graph, specs, Request(batch_size=7))


def test_a_state_of_layers_beside_a_sequence(tmp_path):
    """Both pinned to a batch of one: the first axis of the state is that of its layers."""
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(F, [1, None, 4], "x")
        s = v1.placeholder(F, [2, 1, 8], "s")
        rows, count = tf.transpose(x, [1, 0, 2]), tf.shape(x)[1]

        def body(t, a, b):
            a = tf.tanh(rows[t] @ building.KERNEL + a @ building.RECURRENT)
            return t + 1, a, tf.tanh(a @ building.RECURRENT + b)

        _, a, b = v1.while_loop(lambda t, *_: t < count, body, (0, s[0], s[1]))
        tf.stack([a, b], name="y")
    (tmp_path / "g.pb").write_bytes(graph.as_graph_def().SerializeToString())
    model = rnnlite.load(rnnlite.convert(tmp_path / "g.pb", outputs=["y:0"]).tflite)
    rng = np.random.default_rng(0)
    x, s = (rng.normal(size=d).astype(np.float32) for d in ((1, 5, 4), (2, 1, 8)))
    a, b = s
    for t in range(5):
        a = np.tanh(x[:, t] @ building.KERNEL + a @ building.RECURRENT)
        b = np.tanh(a @ building.RECURRENT + b)
    np.testing.assert_allclose(model.run([x, s])[0], [a, b], atol=1e-6)
    found = model.predict([(x[0], s[:, 0])])
    np.testing.assert_allclose(np.reshape(found, (2, 8)), np.stack([a[0], b[0]]), atol=1e-6)
