"""Examples of a module's inputs: tensors, arrays, files."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rnnlite.errors import SourceError  # noqa: E402
from rnnlite.frontends.torch.examples import arguments_of  # noqa: E402

X, IDS = np.ones((2, 3), np.float64), np.arange(3)


def given(example, own=None):
    return arguments_of(torch, example, own, "PyTorch module 'Net'")


def test_arguments_by_place_and_by_name():
    (x,), names = given(X)
    assert (x.dtype, tuple(x.shape), names) == (torch.float32, (2, 3), {})
    (x, (ids, half)), _ = given((X, [IDS, np.ones(2, np.float16)]))
    assert [t.dtype for t in (x, ids, half)] == [torch.float32, torch.int64, torch.float32]
    places, names = given({"x": X, "ids": IDS})
    assert (places, list(names), names["ids"].tolist()) == ((), ["x", "ids"], [0, 1, 2])


def test_a_program_keeps_its_own():
    own = ((1,), {"k": 2})
    assert given(None, own) == own
    (x,), _ = given(X, own)
    assert tuple(x.shape) == (2, 3)


def test_there_has_to_be_one():
    with pytest.raises(SourceError, match="'Net' does not say what it takes; expected an example"):
        given(None)
    with pytest.raises(SourceError, match="example 1 is no tensor; expected tensors"):
        given((X, object()))


@pytest.mark.parametrize("text", [None, "", "x", "PK\x03\x04"])
def test_files_that_are_no_example(tmp_path, text):
    path = tmp_path / "example.npz"
    found = "no such file" if text is None else "something else"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SourceError, match=f"npz' cannot be read; expected a file .*{found}"):
        given(path)
