"""The options of ONNX models."""

from rnnlite.frontends.onnx.request import OnnxRequest
from rnnlite.frontends.request import Request, options_of


def test_other_outputs_and_fixed_inputs():
    options = {o.name: o for o in options_of(OnnxRequest)}
    assert list(options) == ["outputs", "constants"]
    assert [o.flag for o in options.values()] == ["--outputs", "--constant"]
    assert options["constants"].parse(["sr=16000"]) == {"sr": 16000}
    assert options["outputs"].parse("y, state") == ["y", "state"]


def test_a_request_for_a_model():
    request = OnnxRequest.of(
        Request(sequence_length=8, options={"constants": {"sr": 1}, "tags": 2})
    )
    assert (request.constants, request.outputs, request.sequence_length) == ({"sr": 1}, None, 8)
    assert request.options == {"constants": {"sr": 1}}
