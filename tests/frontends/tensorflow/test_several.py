"""Which signatures of a source are meant, and what is refused."""

import pytest
import tensorflow as tf

import rnnlite
from rnnlite.errors import OptionError, SourceError
from rnnlite.frontends.tensorflow.request import TensorFlowRequest, one_or_several
from rnnlite.frontends.tensorflow.several import asked, asked_one
from two_signatures import EncoderDecoder, save


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("two") / "model")


def request(signature=None, **options):
    return TensorFlowRequest(signature=signature, **options)


def names(found):
    return {key: one.signature for key, one in found.items()}


def test_none_named_is_the_usual_one(folder):
    assert names(asked(folder, request())) == {"serving_default": None}


def test_each_that_is_named_has_a_request(folder):
    assert names(asked(folder, request("encode"))) == {"encode": "encode"}
    found = asked(folder, request(["encode", "decode"]))
    assert names(found) == {"encode": "encode", "decode": "decode"}
    assert list(found) == ["encode", "decode"]


def test_all_are_those_of_the_source(folder):
    assert list(asked(folder, request("all"))) == ["decode", "encode"]
    assert list(asked(EncoderDecoder(), request("all"))) == ["decode", "encode"]


def test_the_usual_one_comes_first(tmp_path):
    net = EncoderDecoder()
    signatures = {"decode": net.decode, "serving_default": net.encode}
    tf.saved_model.save(net, str(tmp_path / "m"), signatures=signatures)
    assert list(asked(tmp_path / "m", request("all"))) == ["serving_default", "decode"]


def test_a_signature_called_all_is_meant_by_its_name(tmp_path):
    net = EncoderDecoder()
    signatures = {"decode": net.decode, "all": net.encode}
    tf.saved_model.save(net, str(tmp_path / "m"), signatures=signatures)
    assert names(asked(tmp_path / "m", request("all"))) == {"all": "all"}


@pytest.mark.parametrize("named", [[], ["a", "a"], [1], ["a", ""], 7])
def test_what_names_no_signatures_is_refused(folder, named):
    message = "expected a name, a list of different names, or 'all'; found "
    with pytest.raises(OptionError, match=f"signature names no signatures; {message}"):
        rnnlite.convert(folder, signature=named)


def test_an_unknown_one_is_refused(folder):
    with pytest.raises(SourceError, match="no signature 'walk'; found 'decode', 'encode'"):
        rnnlite.convert(folder, signature=["encode", "walk"])


def test_tensors_of_one_graph_are_no_option_for_several(folder):
    with pytest.raises(OptionError, match="outputs names tensors of one graph, and several"):
        rnnlite.convert(folder, signature=["encode", "decode"], outputs=["x:0"])


def test_a_module_without_functions_has_no_all():
    with pytest.raises(SourceError, match="all signatures are asked for, and the source has none"):
        rnnlite.convert(tf.Module(), signature="all")


def test_a_graph_has_one(folder, tmp_path):
    assert asked_one(folder, request(["encode"])).signature == "encode"
    with pytest.raises(
        OptionError, match=r"a graph has one signature, .* found 'decode', 'encode'"
    ):
        rnnlite.freeze(folder, tmp_path / "m.pb", signature="all")
    assert not (tmp_path / "m.pb").exists()


def test_as_the_command_line_gives_them():
    assert one_or_several(["a"]) == "a"
    assert one_or_several(["a", "b"]) == ["a", "b"]
