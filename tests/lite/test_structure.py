"""The structural check finds each fault that it names; a good model passes."""

from copy import deepcopy

import numpy as np
import pytest

import rnnlite
from graphs import nested, one_loop
from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import dtype_code, parameters
from rnnlite.lite.structure import check_structure


def test_good_models_pass(exits):
    check_structure(one_loop()[0].tree)
    check_structure(nested().tree)
    check_structure(flatbuffer.read(exits.tflite))


def swap_type(tree):
    tree.subgraphs[2].tensors[1].type = dtype_code("int8")


def regrid(tree):
    tree.subgraphs[1].tensors[1].quantization = parameters(0.5, 3)


def flatten(tree):
    tree.subgraphs[1].tensors[2].shape = [3]


def reverse(tree):
    tree.subgraphs[2].operators = tree.subgraphs[2].operators[::-1]


def cut(tree):
    buffer = max(tree.buffers, key=lambda b: 0 if b.data is None else len(b.data))
    buffer.data = np.asarray(buffer.data)[:-4]


def dangle(tree):
    tree.subgraphs[0].operators[0].inputs = [99, 0, 1]


def orphan(tree):
    tree.subgraphs[0].operators = []


@pytest.mark.parametrize(
    ("break_it", "text"),
    [
        (swap_type, "WHILE of subgraph 0 ties tensors of different type: float32, int8"),
        (regrid, r"ties tensors of different scale or zero point: .*\(0.5,\), \(3,\)"),
        (flatten, "ties tensors of different rank: 2, 1"),
        (reverse, "reads .* before it is made"),
        (cut, "holds 32 bytes where 36 are due"),
        (dangle, "an op of a tensor that is not there in subgraph 0"),
        (orphan, "is a result that nothing makes"),
    ],
)
def test_faults_are_named(break_it, text):
    tree = deepcopy(one_loop()[0].tree)
    break_it(tree)
    with pytest.raises(rnnlite.ModelError, match=f"not well formed; found .*{text}"):
        check_structure(tree)
