"""Sources as functions: examples that files hold, and names of what goes in and out."""

import logging
import threading
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from torch import nn  # noqa: E402

from rnnlite.errors import SourceError  # noqa: E402
from rnnlite.frontends.torch.calls import call_of, quiet  # noqa: E402


class Two(nn.Module):
    """Two inputs, results by name."""

    def forward(self, frames, scale):
        return {"sum": frames + scale, "parts": (frames, scale)}


X, S = np.ones((2, 3, 4), np.float32), np.full((2, 1, 1), 2, np.float32)


def test_examples_of_files(tmp_path):
    np.savez(tmp_path / "ordered.npz", X, S)
    np.savez(tmp_path / "named.npz", scale=S, frames=X)
    np.save(tmp_path / "one.npy", X)
    for name in ("ordered.npz", "named.npz"):
        call = call_of(Two().eval(), tmp_path / name)
        shapes = dict(zip(call.names, (tuple(t.shape) for t in call.inputs), strict=True))
        assert shapes == {"frames": X.shape, "scale": S.shape}
        assert call.outputs == ("sum", "parts_0", "parts_1")
    call = call_of(nn.Identity().eval(), tmp_path / "one.npy")
    np.testing.assert_array_equal(call.run([X])[0], X)


SCRIPTS = {
    "a layer's own check": (
        nn.Sequential(nn.Linear(5, 5), nn.GRU(6, 8)),
        "must be equal to input_size. Expected 6, got 5",
    ),
    "an op": (nn.Linear(6, 3), "mat1 and mat2 shapes cannot be multiplied (6x5 and 6x3)"),
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_refusals_of_scripts_are_one_sentence(tmp_path, case):
    module, sentence = SCRIPTS[case]
    with quiet():
        torch.jit.script(module.eval()).save(str(tmp_path / "net.pt"))
    with pytest.raises(SourceError, match="does not run on the example") as caught:
        call_of(tmp_path / "net.pt", torch.zeros(2, 3, 5))
    found = str(caught.value).partition("found ")[2]
    assert found.endswith(f"{sentence}.")
    assert "Traceback" not in found
    assert "HERE" not in found


def test_threads_and_loggers_are_as_before_whoever_waited():
    """What the first of two threads set for itself is not "before" for the second."""
    before = torch.get_num_threads(), logging.getLogger("torch").level
    torch.set_num_threads(2)
    within, wait = threading.Event(), threading.Event()
    seen = []

    def first():
        with quiet():
            within.set()
            wait.wait(10)

    def second():
        within.wait(10)
        with quiet():
            seen.append((torch.get_num_threads(), logging.getLogger("torch").level))

    both = [threading.Thread(target=f) for f in (first, second)]
    try:
        for one in both:
            one.start()
        within.wait(10)
        time.sleep(0.1)
        wait.set()
        for one in both:
            one.join(10)
        assert seen == [(1, logging.ERROR)]
        assert torch.get_num_threads() == 2
        assert logging.getLogger("torch").level == before[1]
    finally:
        torch.set_num_threads(before[0])
