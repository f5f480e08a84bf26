"""The one option of PyTorch sources."""

from pathlib import Path

from rnnlite.frontends.request import Request, options_of
from rnnlite.frontends.torch.request import TorchRequest


def test_the_example_is_a_path_on_the_command_line():
    (option,) = options_of(TorchRequest)
    assert (option.name, option.flag, option.default, option.text) == (
        "example",
        "--example",
        None,
        Path,
    )


def test_a_request_for_a_module():
    request = TorchRequest.of(Request(batch_size=3, options={"example": 1, "outputs": ["y"]}))
    assert (request.example, request.batch_size, request.options) == (1, 3, {"example": 1})
