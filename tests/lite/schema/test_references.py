"""References that point nowhere, each in words, and refused when a file is read."""

import pytest

from graphs import one_loop
from rnnlite.errors import ModelError
from rnnlite.lite import schema
from rnnlite.lite.ir import Signature
from rnnlite.lite.schema.packing import pack
from rnnlite.lite.schema.references import fault


@pytest.fixture
def tree():
    """A loop, a signature and metadata, as the schema's objects."""
    model, _, _ = one_loop()
    main = model.ir.main
    ends = [("x", main.inputs[0])], [("y", main.outputs[0])]
    model.ir.signatures.append(Signature("serving_default", main, *map(tuple, ends)))
    model.ir.metadata["note"] = b"kept"
    return schema.to_tree(model.ir)


def loop(tree):
    return next(op for op in tree.subgraphs[0].operators)


def product(tree):
    return tree.subgraphs[2].operators[1]


def test_a_sound_file_has_none(tree):
    assert fault(tree) == ""
    # An operand that is left out is none that is not there.
    assert -1 in list(product(tree).inputs)


FAULTS = {
    "no graph": (
        lambda t: setattr(t, "subgraphs", []),
        "no subgraph, no op or no buffer",
    ),
    "no buffer": (
        lambda t: setattr(t, "buffers", []),
        "no subgraph, no op or no buffer",
    ),
    "a code too many": (
        lambda t: setattr(product(t), "opcodeIndex", len(t.operatorCodes)),
        "an op without a code in subgraph 2",
    ),
    "a code below zero": (
        lambda t: setattr(product(t), "opcodeIndex", -1),
        "an op without a code in subgraph 2",
    ),
    "an operand": (
        lambda t: setattr(product(t), "inputs", [0, 99, -1]),
        "an op of a tensor that is not there in subgraph 2",
    ),
    "an operand below": (
        lambda t: setattr(product(t), "inputs", [0, -2]),
        "an op of a tensor that is not there in subgraph 2",
    ),
    "a result that is left out": (
        lambda t: setattr(product(t), "outputs", [-1]),
        "an op of a tensor that is not there in subgraph 2",
    ),
    "a value in between": (
        lambda t: setattr(product(t), "intermediates", [-1, 99]),
        "an op of a tensor that is not there in subgraph 2",
    ),
    "an input": (
        lambda t: setattr(t.subgraphs[0], "inputs", [99]),
        "an op of a tensor that is not there in subgraph 0",
    ),
    "an output": (
        lambda t: setattr(t.subgraphs[1], "outputs", [-1]),
        "an op of a tensor that is not there in subgraph 1",
    ),
    "a content": (
        lambda t: setattr(t.subgraphs[1].tensors[0], "buffer", len(t.buffers)),
        "a tensor of a buffer that is not there in subgraph 1",
    ),
    "a body": (
        lambda t: setattr(loop(t).builtinOptions, "bodySubgraphIndex", 3),
        "a loop or branch whose body is not there",
    ),
    "a condition": (
        lambda t: setattr(loop(t).builtinOptions, "condSubgraphIndex", -1),
        "a loop or branch whose body is not there",
    ),
    "options of a loop": (
        lambda t: setattr(loop(t), "builtinOptions", None),
        "a loop or branch whose body is not there",
    ),
    "the graph of a signature": (
        lambda t: setattr(t.signatureDefs[0], "subgraphIndex", 3),
        "a signature of a subgraph that is not there",
    ),
    "an input of a signature": (
        lambda t: setattr(t.signatureDefs[0].inputs[0], "tensorIndex", 99),
        "a signature of a tensor that is not there",
    ),
    "an output of a signature": (
        lambda t: setattr(t.signatureDefs[0].outputs[0], "tensorIndex", 99),
        "a signature of a tensor that is not there",
    ),
    "content of metadata": (
        lambda t: setattr(t.metadata[0], "buffer", len(t.buffers)),
        "metadata without content",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_in_words(name, tree):
    change, words = FAULTS[name]
    change(tree)
    assert fault(tree) == words


@pytest.mark.parametrize("name", ["a value in between", "a body", "content of metadata"])
def test_a_file_with_one_is_refused(name, tree):
    change, words = FAULTS[name]
    change(tree)
    message = rf"the LiteRT model is damaged; found {words}\. Convert or download it again\."
    with pytest.raises(ModelError, match=message):
        schema.read(pack(tree))


def test_a_signature_without_ends_is_sound(tree):
    tree.signatureDefs[0].inputs = None
    tree.signatureDefs[0].outputs = None
    tree.metadata = None
    assert fault(tree) == ""
