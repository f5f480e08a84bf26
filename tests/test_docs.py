"""The code of the docs runs, the site builds, and quoted refusals are those of the code."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pages

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GUIDES = sorted((DOCS / "guides").glob("*.md"))


def code(page):
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)


def test_writing_passes():
    blocks = code("writing_passes.md")
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "writing_passes.md", "exec"), names)
    np.testing.assert_array_equal(names["before"], [2.0, 4.0, 6.0])


@pytest.mark.parametrize("path", [DOCS / "start.md", *GUIDES], ids=lambda path: path.stem)
def test_guides_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pages.run_page(path)


def test_the_readme_runs(tmp_path, monkeypatch):
    """With what a reader brings: models, sequences, files of them."""
    import keras

    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 12), name="frames")
    y = keras.layers.GRU(8, return_sequences=True)(x)
    y = keras.layers.Dense(3, activation="softmax", name="label")(y)
    model = keras.Model(x, y)
    model.save("speaker.keras")
    model.save("tagger.keras")
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(t, 12)).astype("float32") for t in range(5, 29)]
    np.savez("some.npz", *sequences)
    np.savez("utterances.npz", *sequences)
    names = {
        "model": model,
        "some_sequences": sequences,
        "sequences": sequences,
        "microphone": np.split(sequences[-1], [3, 4]),
        "torch": torch,
        "two_exits": keras.Model(x, [y, keras.layers.LSTM(4, name="late")(y)]),
        "module": torch.nn.Sequential(torch.nn.GRU(12, 4, batch_first=True)).eval(),
    }
    pages.run_page(ROOT / "README.md", names)
    assert names["scores"][0].shape == (5, 3)


def test_a_page_that_is_wrong_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("Text.\n\n```python\na = 1\nassert a == 2\n```\n")
    with pytest.raises(AssertionError) as caught:
        pages.run_page(page)
    assert caught.traceback[-1].lineno + 1 == 5
    for command, said in (
        ("rnnlite convert nothing.keras -o out.tflite", "there is no file or folder"),
        ("rnnlite predict a.tflite b.npz", "Missing option"),
        ("make nothing", "page.md:1"),
        ("pip install 'rnnlite[nothing]'", "page.md:1"),
        ("ls", "no test knows how to run 'ls'"),
    ):
        page.write_text(f"```console\n$ {command}\n```\n")
        with pytest.raises(AssertionError, match=said):
            pages.run_page(page)


@pytest.fixture(scope="module")
def generated():
    sys.path.insert(0, str(DOCS))
    import generated

    yield generated
    sys.path.remove(str(DOCS))


def test_refusals_are_read_from_the_code(generated):
    def read(code):
        return generated.template(ast.parse(code, mode="eval").body)

    assert read("f'layer {layer.name!r} is {kind}'") == "layer ‹name› is ‹kind›"
    assert read("f'{len(rows)} rows of {self._path}' + more") == "‹rows› rows of ‹path›‹...›"
    assert read("'a' if x else 'b'") == "a / b"
    assert read("text") is None
    found = {r.what: r for r in generated.collect()}
    refusal = found["num_threads is no number of threads"]
    assert (refusal.kind, refusal.expected) == ("ModelError", "an int of 1 or more")
    assert {r.kind for r in found.values()} >= {"SourceError", "ParityError", "QuantizationError"}


def test_commands_are_those_of_the_command_line(generated):
    page = generated.commands()
    assert re.findall(r"^## (.*)", page, re.M)[:2] == ["convert", "predict"]
    assert "rnnlite predict [OPTIONS] MODEL DATA..." in page
    assert "| `--threads` | Threads an op may use. Default: 1. |" in page


def says(template, text):
    """Whether a text is a template filled in; of one that is computed it is not known."""
    if text is None or template is None:
        return True
    cuts = (re.split("‹.*?›", each) for each in template.split(" / "))
    return any(re.fullmatch(".+?".join(map(re.escape, cut)), text, re.S) for cut in cuts)


def test_quoted_refusals_are_those_of_the_code(generated):
    """What the troubleshooting guide quotes is what one place in the code says, all parts of it."""
    known = [r for r in generated.collect() if r.what]
    quoted = re.findall(
        r"^```text\n(.*?)^```", (DOCS / "guides/troubleshooting.md").read_text(), re.M | re.S
    )
    assert len(quoted) > 10
    for quote in quoted:
        what, *more = " ".join(quote.split()).removeprefix("rnnlite: ").rstrip(".").split("; ")
        parts = {part.partition(" ")[0]: part.partition(" ")[2] for part in more}
        assert set(parts) <= {"expected", "found"}, quote
        assert any(
            says(r.what, what)
            and says(r.expected, parts.get("expected"))
            and says(r.found, parts.get("found"))
            for r in known
        ), quote


@pytest.mark.long
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("furo", reason="the docs extra is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", DOCS, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "‹" in (tmp_path / "reference/refusals.html").read_text()
    assert pages.broken_links(tmp_path) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.html").write_text(
        '<p id="here"></p><a href="../c.html#x">1</a><a href="#here">2</a><a href="#gone">3</a>'
        '<a href="https://no.where/#x">4</a><img src="no%20picture.svg"><a href="../c.html#y">5</a>'
    )
    (tmp_path / "c.html").write_text('<h2 id="x"></h2><a href="a/b.html">6</a>')
    assert pages.broken_links(tmp_path) == [
        "a/b.html: #gone",
        "a/b.html: no%20picture.svg",
        "a/b.html: ../c.html#y",
    ]


def terms():
    """The words of the glossary, and the files that it names."""
    text = (DOCS / "glossary.md").read_text()
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", text, re.M)
    words = [w for row, _ in rows if row not in ("word", "---") for w in row.split(", ")]
    return words, re.findall(r"`([\w/]+(?:\.py|/))`", text)


def test_words_of_the_glossary_are_used():
    """Classes by their name; other words somewhere in the code, or in another page."""
    words, files = terms()
    paths = (*(ROOT / "src").rglob("*.py"), ROOT / "README.md", *DOCS.rglob("*.md"))
    text = "\n".join(p.read_text() for p in paths if p.name != "glossary.md")
    # A line of prose may end within a term, a name joins its words.
    plain = re.sub(r"[\s_]+", " ", text).lower()
    assert len(words) > 60
    for word in words:
        if re.match(r"[A-Z][a-z]+[A-Z]", word):
            assert f"class {word}" in text, word
        assert re.sub(r"s$", "", word.lower().replace("_", " ")) in plain, word
    for name in files:
        assert (ROOT / "src/rnnlite" / name).exists(), name
