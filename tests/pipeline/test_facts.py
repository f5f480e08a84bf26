"""Each fact holds of a finished model, and says what stands against it in one that is spoiled."""

from types import SimpleNamespace

import pytest

from rnnlite.lite import flatbuffer
from rnnlite.pipeline import facts
from rnnlite.pipeline.passes import Fact

FINISHED = [
    facts.LOOPS_KEEP_PLACES,
    facts.BRANCHES_DISTINCT,
    facts.RESULTS_OWN,
    facts.NO_CAST_PAIRS,
    facts.SEQUENCES_KEPT,
    facts.SIGNED,
    facts.COMPACT,
    facts.LABELLED,
]


@pytest.fixture
def model(exits):
    return flatbuffer.read(exits.tflite)


def a_body(model):
    return model.subgraphs[next(body for *_, body in flatbuffer.loops(model))]


def test_all_facts_are_listed_and_hold_of_a_finished_model(model):
    assert [f for f in vars(facts).values() if isinstance(f, Fact)] == FINISHED
    assert [f.fault(model) for f in FINISHED] == [""] * len(FINISHED)


def swap_arguments(model):
    body = a_body(model)
    body.outputs = [int(body.inputs[1]), *body.outputs[1:]]


def mark_a_loop(model):
    a_body(model).mark = SimpleNamespace(kept=2)


def forget_the_signature(model):
    model.signatureDefs = []


def forget_the_record(model):
    model.metadata = []


def sign_another_result(model):
    model.signatureDefs[0].outputs[0].tensorIndex = 0


def double_a_constant(model):
    k, data = next((k, b.data) for k, b in enumerate(model.buffers) if b.data is not None)
    other = type(model.buffers[k])()
    other.data = data
    model.buffers.append(other)


def leave_a_tensor_unused(model):
    main = model.subgraphs[0]
    main.tensors.append(main.tensors[0])


def give_two_tensors_one_name(model):
    tensors = model.subgraphs[0].tensors
    tensors[1].name = tensors[0].name


@pytest.mark.parametrize(
    ("spoil", "fact", "fault"),
    [
        (swap_arguments, facts.LOOPS_KEEP_PLACES, "as result 0 of a body"),
        (mark_a_loop, facts.SEQUENCES_KEPT, "the loop 'subgraph_"),
        (forget_the_signature, facts.SIGNED, "no signature"),
        (forget_the_record, facts.SIGNED, "no record"),
        (sign_another_result, facts.SIGNED, "a signature of 2 tensors for 2"),
        (double_a_constant, facts.COMPACT, "empty or equal buffers"),
        (leave_a_tensor_unused, facts.COMPACT, "is not used"),
        (give_two_tensors_one_name, facts.LABELLED, "2 times in subgraph 0"),
    ],
)
def test_a_spoiled_model(model, spoil, fact, fault):
    spoil(model)
    assert fault in fact.fault(model)


def a_model(ops, *, types, outputs, branches=()):
    """A model of tensors of these types; ops are (name, inputs, outputs, options)."""
    names = sorted({name for name, *_ in ops})
    codes = [
        SimpleNamespace(builtinCode=flatbuffer.builtin(n), deprecatedBuiltinCode=0) for n in names
    ]
    tensors = [
        SimpleNamespace(type={"int32": 2, "float32": 0, "bool": 6}[t], name=f"t{k}")
        for k, t in enumerate(types)
    ]
    operators = [
        SimpleNamespace(
            opcodeIndex=names.index(name), inputs=reads, outputs=makes, builtinOptions=options
        )
        for name, reads, makes, options in ops
    ]
    main = SimpleNamespace(tensors=tensors, operators=operators, inputs=[0], outputs=outputs)
    return SimpleNamespace(operatorCodes=codes, subgraphs=[main, *branches])


def test_casts_there_and_back():
    ops = [("CAST", [0], [1], None), ("CAST", [1], [2], None)]
    model = a_model(ops, types=("int32", "float32", "int32"), outputs=[2])
    assert facts.NO_CAST_PAIRS.fault(model) == "'t2'"
    model = a_model(ops, types=("float32", "int32", "float32"), outputs=[2])
    assert facts.NO_CAST_PAIRS.fault(model) == ""


@pytest.mark.parametrize("results", [[3, 3], [3, 4]])
def test_results_of_branches(results):
    tensors = [SimpleNamespace(name=f"b{k}", type=0) for k in range(5)]
    branch = SimpleNamespace(inputs=[0], outputs=results, tensors=tensors, operators=[])
    options = SimpleNamespace(thenSubgraphIndex=1, elseSubgraphIndex=1)
    model = a_model(
        [("IF", [0, 0], [1, 2], options)],
        types=("bool", "float32", "float32"),
        outputs=[2],
        branches=[branch],
    )
    twice = results[0] == results[1]
    found = facts.BRANCHES_DISTINCT.fault(model)
    assert found == ("'b3' as several results of a branch" if twice else "")
    assert facts.RESULTS_OWN.fault(model) == "'t2', which an IF gives"
