"""What is asked of a Keras source; a Python file with its custom objects."""

import pytest

from rnnlite.errors import SourceError
from rnnlite.frontends.keras.request import KerasRequest, load_objects
from rnnlite.frontends.request import Request, options_of


def test_options():
    found = {o.name: o for o in options_of(KerasRequest)}
    assert {n: (o.flag, o.text.__name__) for n, o in found.items()} == {
        "architecture": ("--architecture", "Path"),
        "custom_objects": ("--custom-objects", "Path"),
        "trust": ("--trust", "bool"),
    }
    # It says what may run, not what the source is.
    assert [n for n, o in found.items() if o.permission] == ["trust"]
    assert KerasRequest.of(Request(options={"trust": True, "tags": ["serve"]})).trust is True


def test_public_classes_and_functions_of_a_file(tmp_path):
    path = tmp_path / "objects.py"
    path.write_text(
        "import math\n"
        "LIMIT = 3\n"
        "class Attention: pass\n"
        "def scaled(x): return x * LIMIT\n"
        "def _hidden(x): return x\n"
    )
    found = load_objects(path)
    assert sorted(found) == ["Attention", "scaled"]
    assert found["scaled"](2) == 6


def test_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "no.py"
    message = f"there is no file '{path}'. --custom-objects takes a Python file."
    for missing in (path, tmp_path):
        with pytest.raises(SourceError) as found:
            load_objects(missing)
        assert str(found.value) == message.replace(str(path), str(missing))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def f(:", "SyntaxError: "),
    ],
)
def test_a_file_that_fails(tmp_path, text, error):
    path = tmp_path / "objects.py"
    path.write_text(text)
    with pytest.raises(SourceError) as found:
        load_objects(path)
    assert str(found.value).startswith(f"the custom objects file '{path}' fails: {error}")
    assert found.value.__cause__ is not None
