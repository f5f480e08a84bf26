"""Programs for a file: Python and JavaScript are run, C and C++ compiled, the others parsed."""

import json
import re
import shutil
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import rnnlite
from rnnlite.lite import schema
from rnnlite.runtime.quantized import quantize
from rnnlite.snippets import render
from rnnlite.snippets.facts import facts_of
from rnnlite.snippets.languages import LANGUAGES, NAMES
from rnnlite.snippets.render import snippet
from rnnlite.target import LITERT, MICRO

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FRAMES = np.random.default_rng(1).standard_normal((1, 24, 3)).astype(np.float32)
WHO = np.ones((1, 2), np.float32)
FILES = (
    "streamed",
    "single_steps",
    "fixed",
    "integers",
    "several",
    "late",
    "two_late",
    "early",
    "fixed_exits",
    "micro_stream",
)


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


@pytest.mark.parametrize("cut", [(8, 8, 8), (1, 22, 1), (2,)])
def test_python_streams_what_comes_late(late, cut):
    module = program(late)
    assert module.DELAY == 2
    stream, ours = module.Stream(Interpreter(model_content=late)), rnnlite.load(late).stream()
    (name,) = (p.name for p in module.STREAM_OUTPUTS)
    chunks = np.split(FRAMES[:, : sum(cut)], np.cumsum(cut)[:-1], axis=1)
    found = [stream({"frames": chunk})[name][0] for chunk in chunks]
    expected = [ours(chunk[0]) for chunk in chunks]
    for rows, same in zip(found, expected, strict=True):
        np.testing.assert_array_equal(rows, same)
    (tail,) = stream.finish()
    np.testing.assert_array_equal(tail[name][0], ours.finish())


def test_python_streams_several_outputs(two_late):
    module = program(two_late)
    stream, ours = module.Stream(Interpreter(model_content=two_late)), rnnlite.load(two_late)
    ours = ours.stream()
    for chunk in np.split(FRAMES, 6, axis=1):
        found, expected = stream({"frames": chunk, "who": WHO}), ours((chunk[0], WHO[0]))
        for name in ("rows", "mean"):
            np.testing.assert_array_equal(found[name][0], expected[name])
    (tail,) = stream.finish()
    for name, values in ours.finish().items():
        np.testing.assert_array_equal(tail[name][0], values)


def test_python_as_a_program(data, tmp_path):
    (tmp_path / "model.tflite").write_bytes(data)
    (tmp_path / "program.py").write_text(snippet(tmp_path / "model.tflite"), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    for key, spec in rnnlite.load(data).signatures.items():
        if not key.startswith("exit/"):
            assert f"{key} {spec.outputs[0].name} (" in run.stdout
    assert ("left by exit/second" in run.stdout) is bool(rnnlite.load(data).exits)


@pytest.mark.parametrize(("language", "compiler"), [("c", "cc"), ("cpp", "c++")])
@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "micro_stream"])
def test_c_and_cpp_compile(kind, language, compiler, request, tmp_path):
    check_compiles(snippet(request.getfixturevalue(kind), language), language, compiler, tmp_path)


def check_compiles(text, language, compiler, tmp_path):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} here")
    path = tmp_path / ("program.c" if language == "c" else "program.cc")
    path.write_text(text, encoding="utf-8")
    standard = "-std=c11" if language == "c" else "-std=c++17"
    command = [compiler, standard, "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    subprocess.run([*command, "-I", HERE / "headers", path], check=True)


@pytest.fixture(params=[0.3, 1e9, -1e9], ids=["within", "highest", "lowest"])
def masked(integers, request, monkeypatch):
    """A file of integers whose input has a value that masks: its spec, the file."""
    mask = request.param
    facts = facts_of(integers)
    (main,) = facts.functions
    inputs = tuple(replace(p, mask=float(np.float32(mask))) for p in main.inputs)
    facts = replace(facts, functions=(replace(main, inputs=inputs),))
    monkeypatch.setattr(render, "facts_of", lambda data: facts)
    (spec,) = rnnlite.load(integers).inputs
    return replace(spec, mask_value=mask), integers


def near(spec):
    """Steps of which many round to the integers of the mask, masked ones among them."""
    scale, zero_point = spec.quantization
    limits = np.iinfo(spec.dtype)
    mask = float(np.float32(spec.mask_value))
    code = np.clip(np.rint(mask / scale) + zero_point, limits.min, limits.max)
    rng = np.random.default_rng(0)
    values = (code - zero_point) * scale + rng.uniform(-0.6, 0.6, (1, 40, 3)) * scale
    values[0, :5] = mask
    values[0, 5, :2] = mask
    return values


def test_python_masks_what_predict_masks(masked):
    spec, data = masked
    values = near(spec)
    module = program(data)
    expected = quantize(values, spec)
    assert np.any(expected != quantize(values, replace(spec, mask_value=None)))
    found = module.quantize(values, module.SIGNATURES["serving_default"][0][0])
    np.testing.assert_array_equal(found, expected)


READS_NUMBERS = """
int main(void) {
  double values[120];
  signed char found[120];
  for (int k = 0; k < 120; ++k) if (scanf("%lf", &values[k]) != 1) return 1;
  for (int k = 0; k < 120; ++k) Put(SPEC, found, k, Unmasked(SPEC, values, k));
  for (int k = 0; k < 120; ++k) printf("%d ", found[k]);
}
"""


@pytest.mark.parametrize(
    ("language", "compiler", "spec"),
    [("c", "cc", "kSpecs"), ("cpp", "c++", "kSignatures[0].inputs[0]")],
)
def test_c_and_cpp_mask_what_predict_masks(masked, language, compiler, spec, tmp_path):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} here")
    of, data = masked
    text = snippet(data, language)
    path = tmp_path / ("program.c" if language == "c" else "program.cc")
    begin = re.split(r"(?m)^(?:/\*|//) Read what the file gives", text)[0]
    path.write_text(begin + READS_NUMBERS.replace("SPEC", spec), encoding="utf-8")
    out = tmp_path / "program"
    command = [compiler, "-w", "-I", HERE / "headers", path, "-o", out, "-lm"]
    subprocess.run(command, check=True)
    values = near(of)
    numbers = " ".join(map(repr, values.ravel().tolist()))
    run = subprocess.run([out], input=numbers, capture_output=True, text=True, check=True)
    found = np.array(run.stdout.split(), np.int8).reshape(values.shape)
    np.testing.assert_array_equal(found, quantize(values, of))


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("kotlin", 'val MASKS = mapOf("frames" to '),
        ("swift", 'let masks: [String: Double] = ["frames": '),
        ("c", 'kMasks[] = {{"frames", '),
    ],
)
def test_a_mask_stands_in_each_language(masked, integers, language, line):
    assert line in snippet(masked[1], language)


@pytest.mark.parametrize("language", ["kotlin", "swift"])
def test_kotlin_and_swift_with_masks_parse(masked, language):
    test_kotlin_and_swift_parse(masked[1], language)


@pytest.mark.parametrize(("language", "compiler"), [("c", "cc"), ("cpp", "c++")])
def test_c_and_cpp_with_masks_compile(language, compiler, masked, tmp_path):
    check_compiles(snippet(masked[1], language), language, compiler, tmp_path)


@pytest.mark.parametrize("language", NAMES[:4])
def test_files_without_masks_have_no_word_of_them(integers, language):
    assert "mask" not in snippet(integers, language).lower()


def test_micro(micro):
    text = snippet(micro, "cpp")
    kinds = {op.kind for op in schema.read(micro).ops()}
    assert text.count("resolver.Add") == len(kinds)
    assert f"MicroMutableOpResolver<{len(kinds)}>" in text
    assert "resolver.AddFullyConnected();" in text
    message = "LiteRT for Microcontrollers has no interface in C. Take --language cpp, and call it"
    with pytest.raises(rnnlite.UnsupportedError, match=message):
        snippet(micro, "c")


def test_what_a_file_is_made_for(fixed, micro):
    assert facts_of(fixed).target is LITERT
    assert facts_of(micro).target is MICRO


def test_a_target_says_which_program_calls_it(fixed, monkeypatch):
    """No name of a target stands in the code that writes programs."""
    other = replace(LITERT, name="other", title="Another", programs={"cpp": "micro", "swift": ""})
    facts = replace(facts_of(fixed), target=other)
    monkeypatch.setattr(render, "facts_of", lambda data: facts)
    assert "MicroMutableOpResolver" in snippet(fixed, "cpp")
    assert "tflite::FlatBufferModel" not in snippet(fixed, "cpp")
    with pytest.raises(rnnlite.UnsupportedError, match="Another has no interface in SWIFT"):
        snippet(fixed, "swift")
    assert snippet(fixed, "kotlin").startswith("//")


@pytest.mark.parametrize("kind", ["micro", "micro_stream"])
def test_micro_compiles(kind, request, tmp_path):
    if shutil.which("c++") is None:
        pytest.skip("no c++ here")
    text = snippet(request.getfixturevalue(kind), "cpp")
    assert ("Finish(interpreter)" in text) is (kind == "micro_stream")
    # The headers of the tests know no ops.
    lines = [x for x in text.splitlines() if "resolver.Add" not in x]
    (tmp_path / "program.cc").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "model_data.h").write_text("alignas(16) const unsigned char kModel[] = {0};\n")
    command = ["c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    subprocess.run([*command, "-I", HERE / "headers", tmp_path / "program.cc"], check=True)


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


def in_a_browser(data, jobs, folder):
    """What a program in JavaScript gives for jobs of run.mjs."""
    for name in ("node", "chromium"):
        if shutil.which(name) is None:
            pytest.skip(f"no {name} here (make browser-setup)")
    if not (ROOT / ".browser" / "node_modules" / "@litertjs" / "core").exists():
        pytest.skip("LiteRT.js is not installed (make browser-setup)")
    (folder / "jobs.json").write_text(json.dumps(jobs))
    (folder / "model.tflite").write_bytes(data)
    (folder / "program.mjs").write_text(snippet(data, "javascript"), encoding="utf-8")
    command = [shutil.which("node"), HERE / "run.mjs", shutil.which("chromium"), folder]
    subprocess.run(command, check=True, timeout=300)
    results = json.loads((folder / "results.json").read_text())
    assert results["errors"] == []
    return results


@pytest.mark.parametrize("kind", ["fixed", "single_steps"])
def test_javascript_in_a_browser(kind, request, tmp_path):
    data = request.getfixturevalue(kind)
    frames = FRAMES[:, :7]
    whole = {"frames": frames.ravel().tolist()}
    chunks = [{"frames": frames[0, k].tolist()} for k in range(7)]
    jobs = {"whole": whole, "chunks": []} if kind == "fixed" else {"chunks": chunks}
    results = in_a_browser(data, jobs, tmp_path)
    parts = [results["whole"]] if kind == "fixed" else results["chunks"]
    found = np.concatenate([part["tags"] for part in parts])
    expected = rnnlite.load(data).predict([frames[0]]).ravel()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_javascript_streams_what_comes_late(two_late, tmp_path):
    chunks = np.split(FRAMES[0], 6)
    jobs = [{"frames": c.ravel().tolist(), "who": WHO[0].tolist()} for c in chunks]
    found = in_a_browser(two_late, {"chunks": jobs}, tmp_path)["chunks"]
    ours = rnnlite.load(two_late).stream()
    expected = [*(ours((chunk, WHO[0])) for chunk in chunks), ours.finish()]
    for part, same in zip(found, expected, strict=True):
        for name, values in same.items():
            np.testing.assert_allclose(part[name], values.ravel(), rtol=0, atol=1e-5)


def test_javascript_leaves_by_the_exit_that_is_sure(fixed_exits, tmp_path):
    jobs = {"chunks": [], "early": {"frames": FRAMES[0, :12].ravel().tolist()}}
    found = in_a_browser(fixed_exits, jobs, tmp_path)["early"]
    expected = rnnlite.load(fixed_exits).predict([FRAMES[0, :12]])
    assert [key for key, _ in found] == ["exit/first", "exit/second"]
    for (_, outputs), name in zip(found, ("first", "second"), strict=True):
        np.testing.assert_allclose(outputs[name], expected[name][0], rtol=0, atol=1e-5)


def test_javascript_takes_fixed_shapes(streamed):
    with pytest.raises(rnnlite.UnsupportedError, match="takes no free shapes"):
        snippet(streamed, "javascript")


def test_javascript_has_no_integers_of_8_bits():
    from rnnlite.snippets.facts import Facts, Function, Streamed, TensorFacts
    from rnnlite.snippets.render import _taken

    tensor = TensorFacts("x", "int8", (1, 7, 3), 0.5, 3)
    facts = Facts((Function("a", (tensor,), (tensor,)),), None, 20, (), LITERT)
    with pytest.raises(rnnlite.UnsupportedError, match=r"has no tensors of int8; found 'x'.*io="):
        _taken(facts, "javascript")
    state = replace(tensor, name="state/h", dtype="int16")
    stream = Streamed((), (), (state,), (), (), chunk=1, delay=0, tail=False)
    facts = replace(facts, functions=(), stream=stream)
    with pytest.raises(rnnlite.UnsupportedError, match=r"int16.*States of integers stay so"):
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


@pytest.mark.parametrize(
    ("language", "finish", "exits"),
    [
        ("python", "def finish(self)", "def run_early"),
        ("kotlin", "fun finish()", "fun runEarly"),
        ("swift", "func finish()", "func runEarly"),
        ("cpp", "Finish()", "RunEarly("),
        ("c", "static void Finish(", "static int RunEarly("),
    ],
)
def test_every_language_ends_streams_and_runs_exits(late, streamed, early, language, finish, exits):
    assert finish in snippet(late, language)
    assert finish not in snippet(streamed, language)
    assert exits in snippet(early, language)
    assert exits not in snippet(late, language)


def test_files_without_exits_have_no_word_of_them(streamed):
    assert "EXITS" not in snippet(streamed)
