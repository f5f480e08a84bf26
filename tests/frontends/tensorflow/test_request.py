"""What is asked of a graph."""

import pytest

from rnnlite.frontends.request import Request, options_of
from rnnlite.frontends.tensorflow.request import ALL, TensorFlowRequest, one_or_several

OPTIONS = {o.name: o for o in options_of(TensorFlowRequest)}


def test_the_options_of_graphs_and_two_of_saved_models():
    assert list(OPTIONS) == ["outputs", "constants", "inputs", "signature", "tags"]
    assert OPTIONS["constants"].flag == "--constant"
    assert [n for n, o in OPTIONS.items() if o.repeated] == ["constants", "signature"]
    assert (OPTIONS["signature"].shown_default, OPTIONS["tags"].shown_default) == (
        "serving_default",
        "serve",
    )


@pytest.mark.parametrize(
    ("texts", "found"),
    [(["encode"], "encode"), ([ALL], ALL), (["encode", "decode"], ["encode", "decode"])],
)
def test_one_signature_or_several(texts, found):
    assert one_or_several(texts) == found
    assert OPTIONS["signature"].parse(texts) == found


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("inputs", "x:0,y:0", ["x:0", "y:0"]),
        ("outputs", "a", ["a"]),
        ("tags", "serve, gpu", ["serve", "gpu"]),
        ("constants", ["keep_prob:0=1.0", "on=false"], {"keep_prob:0": 1.0, "on": False}),
    ],
)
def test_texts_of_the_command_line(name, given, value):
    assert OPTIONS[name].parse(given) == value


def test_a_request_for_a_graph():
    request = TensorFlowRequest.of(Request(options={"tags": ["serve"], "trust": True}))
    assert (request.tags, request.signature, request.inputs) == (["serve"], None, None)
    assert request.options == {"tags": ["serve"]}
