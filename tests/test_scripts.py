"""Benchmarks and examples ask rnnlite for names that it has: nothing else here runs them."""

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted([*ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("examples/*.py")])


@pytest.mark.parametrize("path", SCRIPTS, ids=[str(p.relative_to(ROOT)) for p in SCRIPTS])
def test_names(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rnnlite"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"


NOTEBOOKS = sorted(ROOT.glob("examples/notebooks/*.py"))


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebooks_run(path, tmp_path, monkeypatch):
    """Each as its script, whose cells are run one after the other."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    names: dict[str, object] = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    assert names["accuracy"] > 0.9
    assert (tmp_path / "speaker.tflite").exists() or len(names["files"]) == 5


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebooks_are_their_scripts(path):
    """`make notebooks` was run after the last edit."""
    jupytext = pytest.importorskip("jupytext")

    def cells(name):
        return [(c.cell_type, c.source) for c in jupytext.read(name).cells]

    assert cells(path.with_suffix(".ipynb")) == cells(path)


@pytest.mark.long
def test_the_speakers_of_pytorch(capsys):
    """The example, trained for a moment: both files decide as the module does."""
    pytest.importorskip("torch")
    path = ROOT / "examples/torch_speakers.py"
    spec = importlib.util.spec_from_file_location("torch_speakers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.main(epochs=4)
    assert found["PyTorch"] > 0.5
    assert abs(found["float32"] - found["PyTorch"]) < 0.01
    assert abs(found["int8"] - found["PyTorch"]) < 0.03
    assert "float32" in capsys.readouterr().out
