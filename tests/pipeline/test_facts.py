"""Each fact holds of a finished model, and says what stands against it in one that is spoiled."""

import itertools

import pytest

from graphs import Model
from rnnlite.lite import schema
from rnnlite.lite.ir import Signature
from rnnlite.lowering.marks import Mark
from rnnlite.pipeline import facts
from rnnlite.pipeline.passes import Fact

FINISHED = [
    facts.LOOPS_KEEP_PLACES,
    facts.BRANCHES_DISTINCT,
    facts.RESULTS_OWN,
    facts.NO_CAST_PAIRS,
    facts.SEQUENCES_KEPT,
    facts.SIGNED,
    facts.PRUNED,
    facts.LABELLED,
]


@pytest.fixture
def model(exits):
    return schema.read(exits.tflite)


def a_body(model):
    return next(model.loops()).branches[1]


def test_all_facts_are_listed_and_hold_of_a_finished_model(model):
    assert [f for f in vars(facts).values() if isinstance(f, Fact)] == FINISHED
    assert [f.fault(model) for f in FINISHED] == [""] * len(FINISHED)


def swap_arguments(model):
    body = a_body(model)
    body.outputs = [body.inputs[1], *body.outputs[1:]]


def mark_a_loop(model):
    a_body(model).mark = Mark(scan=0, scope="", level=0, unroll=1, variable_levels=2)


def forget_the_signature(model):
    model.signatures = []


def forget_the_record(model):
    model.metadata = {}


def sign_another_result(model):
    first = model.signatures[0]
    (name, _), *others = first.outputs
    outputs = ((name, model.main.inputs[0]), *others)
    model.signatures = [Signature(first.key, first.graph, first.inputs, outputs)]


def double_a_constant(model):
    value = next(v for v in model.main.values if v.is_constant)
    model.main.constant(value.data.copy())


def leave_a_tensor_unused(model):
    model.main.like(model.main.values[0])


def give_two_tensors_one_name(model):
    first, second, *_ = model.main.values
    second.name = first.name


def take_a_name(model):
    model.main.ops[0].output.name = ""


@pytest.mark.parametrize(
    ("spoil", "fact", "fault"),
    [
        (swap_arguments, facts.LOOPS_KEEP_PLACES, "as result 0 of a body"),
        (mark_a_loop, facts.SEQUENCES_KEPT, "the loop 'subgraph_"),
        (forget_the_signature, facts.SIGNED, "no signature"),
        (forget_the_record, facts.SIGNED, "no record"),
        (sign_another_result, facts.SIGNED, "a signature of 2 tensors for 2"),
        (double_a_constant, facts.PRUNED, "equal constants"),
        (leave_a_tensor_unused, facts.PRUNED, "is not used"),
        (give_two_tensors_one_name, facts.LABELLED, "2 times in subgraph 0"),
        (take_a_name, facts.LABELLED, "'' 1 times in subgraph 0"),
    ],
)
def test_a_spoiled_model(model, spoil, fact, fault):
    spoil(model)
    assert fault in fact.fault(model)


def casts(*types):
    model = Model()
    values = [model.main.tensor([2], dtype, f"t{k}") for k, dtype in enumerate(types)]
    for source, target in itertools.pairwise(values):
        model.main.add("CAST", [source], [target])
    return model.ir


def test_casts_there_and_back():
    assert facts.NO_CAST_PAIRS.fault(casts("int32", "float32", "int32")) == "'t2'"
    assert facts.NO_CAST_PAIRS.fault(casts("float32", "int32", "float32")) == ""


@pytest.mark.parametrize("twice", [True, False])
def test_results_of_branches(twice):
    model = Model()
    main, branch = model.main, model.graph()
    x, *made = (branch.tensor([2], name=f"b{k}") for k in range(3))
    for value in made:
        branch.add("TANH", [x], [value])
    branch.ends([x], [made[0], made[0] if twice else made[1]])
    verdict, x = main.tensor([], "bool"), main.tensor([2])
    results = [main.tensor([2], name=f"t{k}") for k in range(2)]
    main.add("IF", [verdict, x], results, "IfOptions", branches=[branch, branch])
    main.ends([verdict, x], results[1:])
    found = facts.BRANCHES_DISTINCT.fault(model.ir)
    assert found == ("'b1' as several results of a branch" if twice else "")
    assert facts.RESULTS_OWN.fault(model.ir) == "'t1', which an IF gives"


def test_results_of_the_model():
    model = Model()
    x, y = (model.main.tensor([2], name=name) for name in "xy")
    model.main.add("TANH", [x], [y])
    for results, fault in (
        ([y], ""),
        ([y, x], "'x', which no op makes"),
        ([y, y], "'y', given twice"),
    ):
        model.main.ends([x], results)
        assert facts.RESULTS_OWN.fault(model.ir) == fault
