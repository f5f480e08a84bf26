"""Benchmarks and examples ask rnnlite for names that it has: nothing else here runs them."""

import ast
import importlib
import importlib.util
import io
from pathlib import Path

import pytest

import rnnlite

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted([*ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("examples/*.py")])


@pytest.mark.parametrize("path", SCRIPTS, ids=[str(p.relative_to(ROOT)) for p in SCRIPTS])
def test_names(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rnnlite"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("sse4_2 avx", "AVX"),
        ("avx avx2 avx512f avx512_vnni", "AVX-512"),
        ("avx avx2 avx512f amx_bf16 amx_tile amx_int8", "AVX-512, AMX of int8 and bf16"),
        ("fp asimd", "NEON"),
    ],
)
def test_a_benchmark_says_what_its_processor_computes_with(flags, said, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    machine = importlib.import_module("speed.machine")
    (tmp_path / "cpuinfo").write_text(f"model name : x\nflags : {flags}\n")
    assert machine.vectors(tmp_path / "cpuinfo") == said


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


def example(name):
    """An example as a module, which may import those beside it."""
    path = ROOT / f"examples/{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
def test_the_speakers_of_pytorch(capsys):
    """The example, trained for a moment: both files decide as the module does."""
    pytest.importorskip("torch")
    found = example("torch_speakers").main(epochs=4)
    assert found["PyTorch"] > 0.5
    assert abs(found["float32"] - found["PyTorch"]) < 0.01
    assert abs(found["int8"] - found["PyTorch"]) < 0.03
    assert "float32" in capsys.readouterr().out


@pytest.mark.long
def test_the_speakers_with_exits(tmp_path, monkeypatch, capsys):
    """The example, trained for a moment: from all by the first exit to all by the last."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.syspath_prepend(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    rows = example("speakers_exits").main(epochs=3)
    early = [shares["early"] for _, _, _, shares in rows]
    assert early == sorted(early, reverse=True)
    assert (early[0], early[-1]) == (1.0, 0.0)
    # A moment of training brings the first exit above chance, one in nine, and the last well above.
    assert rows[0][1] > 0.15
    assert rows[-1][1] > 0.5
    assert (tmp_path / "demo-output/exits.png").stat().st_size > 10_000
    assert "'early' of" in capsys.readouterr().out


@pytest.mark.long
def test_keystrokes(tmp_path, monkeypatch, capsys):
    """The live example by itself: what it guesses leaves the stream as it was."""
    monkeypatch.chdir(tmp_path)
    module = example("keystrokes")
    typist = module.main(["--demo", "--pause", "0", "--steps", "120"])
    assert typist.keys == len(module.SENTENCE) + 1
    # Of 53 characters, a hundred steps of training know the most usual ones.
    assert 0.15 < typist.guessed / typist.keys < 1
    assert f"{typist.keys} keys, " in capsys.readouterr().out
    fresh = module.Typist(rnnlite.load(tmp_path / "demo-output/keystrokes.tflite"))
    for key in module.SENTENCE:
        fresh.rest()
        fresh.press(key)
    assert (fresh.guessed, fresh.expected) == (typist.guessed, typist.expected)
    monkeypatch.setattr(module.sys, "stdin", io.StringIO())
    with pytest.raises(SystemExit, match="standard input is no terminal: give --demo"):
        module.main([])
