"""Reading, writing and refusing flatbuffers."""

import json

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tables
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnlite
from rnnlite.errors import ModelError
from rnnlite.lite import schema
from rnnlite.lite.ir import Model, Quantization
from rnnlite.lite.schema.packing import pack

MODES = ["float32", "dynamic", "int8"]


@pytest.fixture(scope="module")
def files():
    """A small recurrence in several modes."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((None, 2)), keras.layers.SimpleRNN(2)])
    rng = np.random.default_rng(0)
    samples = [rng.standard_normal((k, 2)).astype("float32") for k in (5, 9, 12)]
    found = {}
    for mode in MODES:
        kind = {} if mode == "float32" else {"quantize": mode, "calibration": samples}
        made = rnnlite.convert(model, **kind, max_error=None if mode == "float32" else 1.0)
        found[mode] = made.tflite
    return found


@pytest.mark.parametrize("mode", MODES)
def test_a_file_read_and_written_again_has_all_that_it_had(files, mode):
    tree = tables.ModelT.InitFromPackedBuf(bytearray(files[mode]), 0)
    assert schema.write(schema.read(files[mode])) == pack(tree)


@pytest.mark.parametrize("mode", MODES)
def test_a_copy_is_written_as_the_model(files, mode):
    model = schema.read(files[mode])
    assert schema.write(model.copy()[0]) == schema.write(model)


def small():
    """A graph of one constant ADD, in int8."""
    model = Model()
    graph = model.graph("main")
    params = Quantization.of(0.5, 3)
    x, y = (graph.value("int8", [1, 2], [-1, 2], name=n, quantization=params) for n in "xy")
    bias = graph.constant(np.array([1, -2], np.int8), name="bias", quantization=params)
    graph.append(graph.op("ADD", [x, bias], [y], options={"potScaleInt16": False}, version=2))
    graph.inputs, graph.outputs = [x], [y]
    return model


def test_bytes_of_a_table_stand_side_by_side_and_texts_once():
    """Between offsets, the type of a scalar and that its rank is known would take four each."""
    model = small()
    (graph,) = model.graphs
    one, other = (graph.value("int32", [], name="both") for _ in range(2))
    one.rank_is_said = other.rank_is_said = True
    other.data = np.array(7, np.int32)
    data = schema.write(model)
    graph_ = tables.Model.GetRootAs(data, 0).Subgraphs(0)
    for number in (-2, -1):
        table = graph_.Tensors(graph_.TensorsLength() + number)._tab
        kind, rank = (table.Offset(4 + 2 * field) for field in (1, 8))
        assert abs(kind - rank) == 1
    assert data.count(b"both\0") == 1
    again = schema.read(data).main.values
    assert [(v.name, v.type, v.dims, v.rank_is_said) for v in again[-2:]] == [
        ("both", "int32", (), True)
    ] * 2
    assert again[-1].data == 7


def test_a_model_made_in_code_reads_back():
    found = schema.read(schema.write(small()))
    (op,) = found.main.ops
    assert (op.kind, op.version, op.table) == ("ADD", 2, "AddOptions")
    assert op.options["fusedActivationFunction"] == 0
    assert op.output.dims == (-1, 2)
    assert op.output.quantization == Quantization.of(0.5, 3)
    bias = op.input(1)
    assert bias.data is not None
    assert bias.data.tolist() == [1, -2]
    assert bias.type == "int8"
    assert found.main.inputs == (op.input(0),)
    assert op.output.is_result


def test_custom_and_unknown_ops_keep_their_names():
    model = small()
    graph = model.main
    for kind in ("CUSTOM:FlexSin", "OP_999"):
        graph.append(graph.op(kind, graph.inputs, [graph.value("int8", [1, 2])]))
    kinds = [op.kind for op in schema.read(schema.write(model)).main.ops]
    assert kinds == ["ADD", "CUSTOM:FlexSin", "OP_999"]


def test_content_that_does_not_fit_its_shape_stays_bytes():
    model = small()
    bias = model.main.ops[0].input(1)
    bias.shape = [3]
    found = schema.read(schema.write(model)).main.ops[0].input(1)
    assert found.data is not None
    assert found.data.dtype == np.uint8
    assert found.data.nbytes == 2


def test_equal_constants_stand_once():
    model = small()
    before = len(schema.write(model))
    graph = model.main
    for _ in range(3):
        graph.append(
            graph.op(
                "ADD",
                [graph.inputs[0], graph.constant(np.array([1, -2], np.int8), name="bias")],
                [graph.value("int8", [1, 2])],
                options={},
            )
        )
    assert len(schema.to_tree(model).buffers) == 2 < len(schema.write(model)) - before


def test_an_option_that_the_schema_does_not_have_is_refused():
    model = small()
    model.main.ops[0].options["axis"] = 1
    with pytest.raises(AttributeError, match="AddOptions has no field axis"):
        schema.write(model)


def test_metadata_is_kept_in_order():
    model = small()
    model.metadata = {"b": b"1", "a": b"{}"}
    assert list(schema.read(schema.write(model)).metadata.items()) == [("b", b"1"), ("a", b"{}")]


def test_several_signatures_are_kept(files):
    model = schema.read(files["float32"])
    first = model.signatures[0]
    model.signatures.append(type(first)("tags", first.graph, first.inputs, first.outputs[:1]))
    found = schema.read(schema.write(model)).signatures
    assert [s.key for s in found] == ["serving_default", "tags"]
    assert [name for name, _ in found[1].outputs] == [first.outputs[0][0]]
    assert found[0].inputs[0][1] is found[1].inputs[0][1]


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 64, b"\x1c\0\0\0TFL2" + b"\0" * 64])
def test_other_bytes_are_refused(data):
    with pytest.raises(ModelError, match="no LiteRT model"):
        schema.read(data)


@pytest.mark.parametrize("part", [0.01, 0.2, 0.5, 0.9, 0.99])
def test_a_truncated_model_is_refused(exits, part):
    with pytest.raises(ModelError, match="truncated or damaged"):
        schema.read(exits.tflite[: int(len(exits.tflite) * part)])


def is_loop(op):
    return op.builtinOptionsType == tables.BuiltinOptions.WhileOptions


def loop_of(tree):
    return next(op for s in tree.subgraphs for op in s.operators if is_loop(op))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: setattr(m.subgraphs[0].operators[0], "opcodeIndex", 999), "op without a code"),
        (lambda m: setattr(m.subgraphs[1], "outputs", [999]), "tensor that is not there"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "buffer", 999), "buffer that is not there"),
        (lambda m: setattr(m.signatureDefs[0].inputs[0], "tensorIndex", 999), "a signature of a"),
        (lambda m: setattr(m.metadata[0], "buffer", 999), "metadata without content"),
        (
            lambda m: setattr(loop_of(m).builtinOptions, "bodySubgraphIndex", 999),
            "a loop or branch whose body is not there",
        ),
    ],
)
def test_references_that_point_nowhere_are_refused(exits, change, message):
    tree = schema.to_tree(schema.read(exits.tflite))
    change(tree)
    with pytest.raises(ModelError, match=f"is damaged; found .*{message}"):
        schema.read(pack(tree))


def test_the_record_is_data(exits):
    assert json.loads(schema.read(exits.tflite).metadata["rnnlite"])["version"]


DIMS = st.lists(st.integers(1, 4), max_size=3)
QUANTIZATIONS = st.none() | st.builds(
    Quantization.of, st.integers(1, 64).map(lambda k: k / 64), st.integers(-128, 127)
)


@st.composite
def models(draw):
    """A chain of ADDs of constants in one type, with free axes and names of all kinds."""
    model = Model()
    graph = model.graph(draw(st.text(max_size=5)))
    dtype = draw(st.sampled_from(["float32", "int8", "int16", "int32"]))
    dims = draw(DIMS)
    free = [-1 if draw(st.booleans()) else d for d in dims]

    def value():
        name = draw(st.text(max_size=5))
        return graph.value(
            dtype, dims, free if -1 in free else None, name=name, quantization=draw(QUANTIZATIONS)
        )

    graph.inputs = [value()]
    last = graph.inputs[0]
    for _ in range(draw(st.integers(1, 4))):
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        constant = graph.constant(rng.integers(-9, 9, dims).astype(dtype), name="c")
        result = value()
        version = draw(st.integers(1, 3))
        graph.append(graph.op("ADD", [last, constant], [result], version=version))
        last = result
    graph.outputs = [last]
    return model


def described(model):
    """All that a model says, as data."""
    main = model.main
    numbers = {v: k for k, v in enumerate(main.values)}

    def known(v):
        content = v.data.tolist() if v.is_constant else None
        return v.name, v.type, v.dims, v.signature, v.scale if v.quantization else None, content

    return (
        [known(v) for v in main.values],
        [
            (
                op.kind,
                op.version,
                [numbers[v] for v in op.operands],
                [numbers[v] for v in op.outputs],
            )
            for op in main.ops
        ],
        [numbers[v] for v in main.inputs],
        [numbers[v] for v in main.outputs],
    )


@settings(max_examples=60, deadline=None)
@given(models())
def test_any_model_reads_back_as_it_was(model):
    data = schema.write(model)
    again = schema.read(data)
    # What a file says is said again; and from the second time on in the same bytes.
    second = schema.write(again)
    assert described(schema.read(second)) == described(again)
    assert schema.write(schema.read(second)) == second
    found, given = described(again), described(model)
    # Constants may stand once; ops, types and ends are the same.
    assert [op[:2] for op in found[1]] == [op[:2] for op in given[1]]
    contents = [[found[0][k][1:] for k in op[2]] for op in found[1]]
    assert contents == [[given[0][k][1:] for k in op[2]] for op in given[1]]
