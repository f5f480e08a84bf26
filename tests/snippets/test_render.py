"""Programs for a file: Python and JavaScript are run, C and C++ compiled, the others parsed."""

import json
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import rnnlite
from rnnlite.lite import schema
from rnnlite.snippets.languages import LANGUAGES, NAMES
from rnnlite.snippets.render import snippet

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FRAMES = np.random.default_rng(1).standard_normal((1, 24, 3)).astype(np.float32)
FILES = ("streamed", "single_steps", "fixed", "integers", "several", "late", "early")


@pytest.fixture(params=FILES)
def data(request):
    return request.getfixturevalue(request.param)


def program(data):
    module = types.ModuleType("program")
    sys.modules["program"] = module
    exec(compile(snippet(data), "program.py", "exec"), module.__dict__)
    return module


def test_python_gives_what_predict_gives(streamed, integers):
    for data in (streamed, integers):
        found = program(data).run(
            Interpreter(model_content=data), "serving_default", {"frames": FRAMES}
        )
        expected = rnnlite.load(data).predict([FRAMES[0]])
        np.testing.assert_allclose(found["tags"], expected, rtol=0, atol=1e-6)


def test_python_streams(streamed):
    stream = program(streamed).Stream(Interpreter(model_content=streamed))
    rows = [stream({"frames": FRAMES[:, k : k + 8]})["tags"] for k in range(0, 24, 8)]
    whole = rnnlite.load(streamed).predict([FRAMES[0]])
    np.testing.assert_allclose(np.concatenate(rows, 1), whole, rtol=0, atol=1e-6)


def test_python_streams_what_comes_late(late):
    module = program(late)
    assert module.DELAY == 2
    stream = module.Stream(Interpreter(model_content=late))
    (name,) = (p.name for p in module.STREAM_OUTPUTS)
    rows = [stream({"frames": FRAMES[:, k : k + 8]})[name] for k in range(0, 24, 8)]
    whole = rnnlite.load(late).predict([FRAMES[0]])
    np.testing.assert_allclose(np.concatenate(rows, 1), whole[:, :22], rtol=0, atol=1e-6)


def test_python_as_a_program(data, tmp_path):
    (tmp_path / "model.tflite").write_bytes(data)
    (tmp_path / "program.py").write_text(snippet(tmp_path / "model.tflite"), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    for key, spec in rnnlite.load(data).signatures.items():
        assert f"{key} {spec.outputs[0].name} (" in run.stdout


@pytest.mark.parametrize(("language", "compiler"), [("c", "cc"), ("cpp", "c++")])
def test_c_and_cpp_compile(data, language, compiler, tmp_path):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} here")
    path = tmp_path / ("program.c" if language == "c" else "program.cc")
    path.write_text(snippet(data, language), encoding="utf-8")
    standard = "-std=c11" if language == "c" else "-std=c++17"
    command = [compiler, standard, "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    subprocess.run([*command, "-I", HERE / "headers", path], check=True)


def test_micro(micro):
    text = snippet(micro, "cpp")
    kinds = {op.kind for op in schema.read(micro).ops()}
    assert text.count("resolver.Add") == len(kinds)
    assert f"MicroMutableOpResolver<{len(kinds)}>" in text
    assert "resolver.AddFullyConnected();" in text
    with pytest.raises(rnnlite.UnsupportedError, match="has no interface in C"):
        snippet(micro, "c")


@pytest.mark.parametrize("language", ["kotlin", "swift"])
def test_kotlin_and_swift_parse(data, language):
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip(f"tree_sitter_{language}")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    root = parser.parse(snippet(data, language).encode()).root_node
    assert not root.has_error, wrong(root)


def wrong(node):
    """The first lines that are no sentence of the language."""
    if node.is_error or node.is_missing:
        return node.start_point, node.text[:200]
    return next((found for child in node.children if (found := wrong(child))), None)


@pytest.mark.parametrize("kind", ["fixed", "single_steps"])
def test_javascript_in_a_browser(kind, request, tmp_path):
    for name in ("node", "chromium"):
        if shutil.which(name) is None:
            pytest.skip(f"no {name} here (make browser-setup)")
    if not (ROOT / ".browser" / "node_modules" / "@litertjs" / "core").exists():
        pytest.skip("LiteRT.js is not installed (make browser-setup)")
    data = request.getfixturevalue(kind)
    frames = FRAMES[:, :7]
    whole = {"frames": frames.ravel().tolist()}
    chunks = [{"frames": frames[0, k].tolist()} for k in range(7)]
    jobs = {"whole": whole, "chunks": []} if kind == "fixed" else {"chunks": chunks}
    (tmp_path / "jobs.json").write_text(json.dumps(jobs))
    (tmp_path / "model.tflite").write_bytes(data)
    (tmp_path / "program.mjs").write_text(snippet(data, "javascript"), encoding="utf-8")
    command = [shutil.which("node"), HERE / "run.mjs", shutil.which("chromium"), tmp_path]
    subprocess.run(command, check=True, timeout=300)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["errors"] == []
    parts = [results["whole"]] if kind == "fixed" else results["chunks"]
    found = np.concatenate([part["tags"] for part in parts])
    expected = rnnlite.load(data).predict([frames[0]]).ravel()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_javascript_takes_fixed_shapes(streamed):
    with pytest.raises(rnnlite.UnsupportedError, match="takes no free shapes"):
        snippet(streamed, "javascript")


def test_javascript_has_no_integers_of_8_bits():
    from rnnlite.snippets.facts import Facts, Function, Port
    from rnnlite.snippets.render import _taken

    port = Port("x", "int8", (1, 7, 3), 0.5, 3)
    facts = Facts((Function("a", (port,), (port,)),), None, 20, (), "litert")
    with pytest.raises(rnnlite.UnsupportedError, match="has no tensors of int8; found 'x'"):
        _taken(facts, "javascript")


def test_another_language(streamed):
    with pytest.raises(rnnlite.OptionError, match="expected python, kotlin"):
        snippet(streamed, "cobol")


def test_no_model():
    with pytest.raises(rnnlite.ModelError):
        snippet(b"nonsense")


@pytest.mark.parametrize("language", NAMES)
def test_texts_are_quoted(language):
    written = LANGUAGES[language].literal('a"b\\c$d\ne\x00')
    assert "\n" not in written
    assert "\x00" not in written
    assert written.startswith('"a\\"b\\\\c')
    if language == "kotlin":
        assert "\\$" in written


def test_infinity():
    assert LANGUAGES["c"].number(float("-inf")) == "-INFINITY"
    assert LANGUAGES["python"].number(1e-5) == "1e-05"


def test_python_leaves_by_the_exit_that_is_sure(early):
    module = program(early)
    assert module.EXITS == ["exit/first", "exit/second"]
    interpreters = {key: Interpreter(model_content=early) for key in module.EXITS}
    expected = rnnlite.load(early).predict([FRAMES[0]])
    for wanted, sure in (("first", True), ("second", False)):
        key, found = module.run_early(interpreters, {"frames": FRAMES}, lambda _, sure=sure: sure)
        assert key == f"exit/{wanted}"
        np.testing.assert_allclose(found[wanted], expected[wanted], rtol=0, atol=1e-6)


@pytest.mark.parametrize("language", ["kotlin", "swift", "cpp", "c"])
def test_what_comes_late_is_said(late, streamed, language):
    text = " ".join(snippet(late, language).split())
    assert "Outputs come 2 steps later: the first rows (2 of output 1) are to be dropped" in text
    assert "come" not in snippet(streamed, language).partition("Chunks of")[2].partition("\n")[0]


def test_files_without_exits_have_no_word_of_them(streamed):
    assert "EXITS" not in snippet(streamed)
