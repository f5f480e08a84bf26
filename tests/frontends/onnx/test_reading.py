"""Files that are no ONNX models, or damaged ones: one message each."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rnnlite.errors import RnnliteError, SourceError, UnsupportedError
from rnnlite.frontends.onnx import reading
from rnnlite.frontends.onnx.nodes import Graph
from rnnlite.frontends.onnx.reading import read
from rnnlite.frontends.onnx.sequences import SEQUENCE


def small():
    """y = x w, twice."""
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "w"], ["a"], name="first"),
            helper.make_node("Mul", ["a", "w"], ["y"], name="second"),
        ],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 300])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 300])],
        [numpy_helper.from_array(np.arange(300, dtype=np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def test_a_truncated_file(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(small().SerializeToString()[:200])
    with pytest.raises(SourceError, match="is no ONNX model, or it is truncated"):
        read(path)


def test_a_cyclic_graph():
    model = small()
    model.graph.node[0].input[0] = "y"
    with pytest.raises(SourceError, match=r"'small' is damaged; .* must be topologically sorted"):
        read(model)


def test_missing_external_data(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(small(), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    np.testing.assert_array_equal(read(path).graph.constants["w"], np.arange(300))
    (tmp_path / "w.bin").unlink()
    with pytest.raises(SourceError, match=r"the external data of .* cannot be read; .*w\.bin"):
        read(path)


def test_an_old_opset():
    model = small()
    model.opset_import[0].version = 6
    with pytest.raises(SourceError, match=r"set that is not read; expected 7 to \d+; found 6"):
        read(model)


def test_strings():
    model = small()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    with pytest.raises(UnsupportedError, match="'x' takes or gives strings"):
        read(model)


def test_a_text_that_is_none():
    model = small()
    model.graph.node[0].attribute.append(helper.make_attribute("mode", b"rever\xfbe"))
    model.graph.node[0].op_type = "DepthToSpace"
    del model.graph.node[0].input[1]
    model.graph.node[0].attribute.append(helper.make_attribute("blocksize", 1))
    with pytest.raises(SourceError, match=r"is damaged; expected texts in UTF-8 .* UnicodeDecode"):
        read(model)


def test_a_name_that_is_no_text(tmp_path):
    model = small()
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString().replace(b"first", b"fir\xfbt"))
    with pytest.raises(SourceError, match="ValueError: node 0 has the name b"):
        read(path)


def test_a_type_that_there_is_none_of():
    model = small()
    model.graph.input[0].type.tensor_type.elem_type = 2404
    with pytest.raises(SourceError, match="is damaged; expected texts in UTF-8 and types"):
        read(model)


def test_mutated_files_are_read_or_refused(tmp_path):
    rng = np.random.default_rng(0)
    content = np.frombuffer(small().SerializeToString(), np.uint8)
    path = tmp_path / "model.onnx"
    refused = 0
    for _ in range(1000):
        changed = content.copy()
        head = len(changed) if rng.random() < 0.5 else 100
        places = rng.integers(0, head, rng.integers(1, 6))
        changed[places] = rng.integers(0, 256, len(places))
        path.write_bytes(changed.tobytes())
        try:
            read(path)
        except RnnliteError:
            refused += 1
    assert refused > 100


def reader():
    return reading._Reader(onnx, {"": 17, "own": 3})


def read_node(*args, **attributes):
    return reader().node(helper.make_node(*args, **attributes), 4)


def test_a_model_as_plain_data():
    source = read(small())
    graph = source.graph
    assert (source.origin, graph.name, source.notes) == ("ONNX model 'small'", "small", ())
    assert [(p.name, p.dtype, p.shape) for p in graph.inputs] == [("x", "float32", ("N", 300))]
    assert [(n.op, n.name, n.inputs, n.version) for n in graph.nodes] == [
        ("Mul", "first", ("x", "w"), 17),
        ("Mul", "second", ("a", "w"), 17),
    ]
    assert list(graph.constants) == ["w"]


def test_a_live_model_is_left_as_it_is():
    model = small()
    before = model.SerializeToString()
    source = read(model)
    source.proto.graph.name = "changed"
    assert model.SerializeToString() == before


def test_inputs_with_an_initializer_are_constants():
    model = small()
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [300]))
    assert [p.name for p in read(model).graph.inputs] == ["x"]


@pytest.mark.parametrize(
    ("given", "name"), [("mine", "mine"), ("", "y"), (None, "y")], ids=["own", "none", "left out"]
)
def test_a_node_without_a_name_goes_by_its_first_output(given, name):
    assert read_node("Neg", ["x"], ["y"], name=given).name == name
    assert read_node("Neg", ["x"], ["", "z"], name="").name == "z"
    assert read_node("Neg", ["x"], [""], name="").name == "Neg_4"


def test_operands_that_are_left_out_at_the_end():
    assert read_node("Clip", ["x", "", ""], ["y"]).inputs == ("x",)
    assert read_node("Clip", ["x", "", "high"], ["y"]).inputs == ("x", "", "high")


@pytest.mark.parametrize(
    ("domain", "key", "version"),
    [("", "It", 17), ("ai.onnx", "It", 17), ("own", "own.It", 3), ("other", "other.It", 1)],
)
def test_domains_and_their_operator_sets(domain, key, version):
    node = read_node("It", ["x"], ["y"], domain=domain)
    assert (node.key, node.version) == (key, version)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (3, 3),
        (0.5, 0.5),
        ("reflect", "reflect"),
        ([1, 2], [1, 2]),
        ([0.5, 1.0], [0.5, 1.0]),
        (["Tanh", "Relu"], ["Tanh", "Relu"]),
    ],
)
def test_attributes(given, wanted):
    assert read_node("It", ["x"], ["y"], value=given).get("value") == wanted


def test_arrays_and_graphs_as_attributes():
    array = numpy_helper.from_array(np.array([1, 2]))
    assert read_node("It", [], ["y"], value=array).get("value").tolist() == [1, 2]
    body = helper.make_graph([], "body", [], [])
    found = read_node("It", [], ["y"], body=body).get("body")
    assert isinstance(found, Graph)
    assert found.name == "body"


@pytest.mark.parametrize("kind", ["FLOAT16", "DOUBLE", "BFLOAT16"])
def test_other_floats_are_read_as_float32(kind):
    one = reader()
    tensor = helper.make_tensor("w", getattr(TensorProto, kind), [2], [0.5, 2.0])
    found = one.array(tensor)
    assert (found.dtype, found.tolist()) == (np.float32, [0.5, 2.0])
    assert len(one.floats) == 1


def test_what_is_computed_otherwise_is_noted():
    model = small()
    half = numpy_helper.from_array(np.ones(300, np.float16), "half")
    model.graph.initializer.append(half)
    assert read(model).notes == ("float16 is computed in float32",)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ([2, 3], (2, 3)),
        (["N", 3], ("N", 3)),
        ([0, -1], (None, None)),
        ([], ()),
        (None, None),
    ],
)
def test_shapes_that_are_declared(shape, wanted):
    proto = helper.make_tensor_value_info("x", TensorProto.INT64, shape)
    found = reader().value_info(proto)
    assert (found.name, found.dtype, found.shape) == ("x", "int64", wanted)


def test_a_value_of_no_type_and_a_list():
    bare = onnx.ValueInfoProto(name="x")
    assert reader().value_info(bare).dtype == "float32"
    rows = helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, None)
    assert reader().value_info(rows).dtype == SEQUENCE


def test_a_value_that_is_no_tensor():
    kind = helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [1]))
    with pytest.raises(UnsupportedError, match="'x' of the ONNX model is a optional"):
        reader().value_info(helper.make_value_info("x", kind))


def test_ops_without_a_rule_are_all_named():
    model = small()
    for k, node in enumerate(model.graph.node):
        node.op_type, node.domain = f"Nothing{k}", "own"
    model.opset_import.append(helper.make_opsetid("own", 1))
    with pytest.raises(UnsupportedError) as found:
        read(model)
    for k, name in enumerate(("first", "second")):
        assert f"own.Nothing{k} (node '{name}'" in str(found.value)


def test_a_graph_without_nodes():
    model = small()
    del model.graph.node[:]
    with pytest.raises(SourceError, match=r"is no model, or it is truncated; .*; found no node"):
        read(model)


def test_a_newer_operator_set():
    model = small()
    model.opset_import[0].version = 999
    with pytest.raises(SourceError, match=r"found 999\. Install a newer onnx package"):
        read(model)


def test_a_file_larger_than_a_protobuf(tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    onnx.save(small(), path)
    monkeypatch.setattr(reading, "LARGEST", 100)
    with pytest.raises(SourceError, match="is too large for one protobuf"):
        read(path)


def test_constants_that_do_not_fit():
    strings = helper.make_tensor("w", TensorProto.STRING, [1], [b"a"])
    with pytest.raises(UnsupportedError, match="the constant 'w' holds strings"):
        reader().array(strings)
    short = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], raw_data=b"1234")
    with pytest.raises(SourceError, match="the tensor 'w' of the ONNX model is damaged"):
        reader().array(short)


def test_functions_of_a_model_are_written_out():
    model = small()
    own = helper.make_function(
        "own",
        "Twice",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 17)],
    )
    model.functions.append(own)
    model.graph.node[0].CopyFrom(helper.make_node("Twice", ["x"], ["a"], domain="own"))
    model.opset_import.append(helper.make_opsetid("own", 1))
    assert [n.op for n in read(model).graph.nodes] == ["Add", "Mul"]


@pytest.mark.parametrize("op", ["If", "Loop", "Mul"])
def test_a_model_without_shapes_is_checked_as_well(op):
    """The checker ends at the first missing shape, and leaves the rest."""
    model = small()
    model.graph.output[0].type.tensor_type.ClearField("shape")
    read(model)
    # Without its bodies, or with an attribute that it has not.
    model.graph.node[1].op_type = op
    if op == "Mul":
        model.graph.node[1].attribute.append(helper.make_attribute("axis", 1))
    with pytest.raises(SourceError, match=f"'small' is damaged; .*{op}"):
        read(model)
    assert not model.graph.output[0].type.tensor_type.HasField("shape")


@pytest.mark.parametrize("kind", [TensorProto.INT4, TensorProto.FLOAT8E4M3FN])
def test_inputs_smaller_than_a_byte(kind):
    graph = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)],
        "small",
        [helper.make_tensor_value_info("x", kind, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    with pytest.raises(UnsupportedError, match=r"'x' of the ONNX model is of type .*whole bytes"):
        read(made)


def test_floats_of_eight_bits_are_read_as_float32():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    numbers = np.asarray([0.5, -2.0], ml_dtypes.float8_e4m3fn)
    graph = helper.make_graph(
        [helper.make_node("DequantizeLinear", ["w", "s"], ["y"])],
        "small",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
        [numpy_helper.from_array(numbers, "w"), numpy_helper.from_array(np.float32(2), "s")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    found = read(made)
    assert found.graph.constants["w"].dtype == np.float32
    assert found.graph.constants["w"].tolist() == [0.5, -2.0]
    assert found.notes == ("float8_e4m3fn is computed in float32",)
