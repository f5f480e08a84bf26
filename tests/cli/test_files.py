"""Commands on finished files, on files built in code: what they print, write and refuse."""

import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from rnnlite.cli import files as module
from rnnlite.cli.files import add_file_commands
from rnnlite.lite.files import read_model
from rnnlite.snippets.languages import NAMES
from runtime.files import doubled, summing, two

APP = typer.Typer()
add_file_commands(APP)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A command in a folder that holds a model "m.tflite" and a stream "s.tflite".

    The first has no signature, the second two.
    """
    (tmp_path / "m.tflite").write_bytes(doubled())
    (tmp_path / "s.tflite").write_bytes(summing())
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        return CliRunner().invoke(APP, [str(a) for a in arguments])

    return call


def test_the_four_commands(run):
    assert sorted(c.callback.__name__ for c in APP.registered_commands) == [
        "bench",
        "inspect",
        "snippet",
        "view",
    ]
    for name in ("bench", "inspect", "snippet", "view"):
        assert run(name, "--help").exit_code == 0
        # The one argument that all of them want.
        assert run(name).exit_code == 2


def test_inspect(run):
    found = run("inspect", "m.tflite")
    assert found.exit_code == 0
    assert "[1, any, 3]" in found.stdout
    data = json.loads(run("inspect", "m.tflite", "--json").stdout)
    assert data["ops"] == {"ADD": 1}
    assert data["inputs"][0]["shape"] == [1, None, 3]


def test_bench_prints_a_row_a_length(run):
    found = run("bench", "m.tflite", "--lengths", "2,7", "--repeats", "3")
    assert found.exit_code == 0
    assert found.stdout.startswith("Latency in milliseconds (threads: 1, runs: 3)")
    rows = [line.split()[0] for line in found.stdout.splitlines()[2:] if line.strip()]
    assert [r for r in rows if r.isdecimal()] == ["2", "7"]


def test_bench_as_data(run):
    found = run("bench", "m.tflite", "--lengths", "5", "--repeats", "4", "--threads", "2", "--json")
    (timing,) = json.loads(found.stdout)
    assert (timing["length"], timing["repeats"], timing["threads"]) == (5, 4, 2)
    assert timing["minimum"] <= timing["median"] <= timing["p90"] <= timing["p99"]


def test_bench_draws_a_picture(run):
    found = run("bench", "m.tflite", "--lengths", "2,4", "--repeats", "3", "--plot", "p.png")
    assert found.exit_code == 0
    data = Path("p.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (700, 400)


def test_the_title_of_a_picture_says_what_was_timed(run, monkeypatch):
    titles = []
    monkeypatch.setattr(
        "rnnlite.runtime.bench.picture", lambda timings, title: titles.append(title) or b""
    )
    for threads in (1, 2):
        options = ["--lengths", "2", "--repeats", "3", "--plot", "p.png", "--threads", threads]
        assert run("bench", "m.tflite", *options).exit_code == 0
    assert titles == ["m.tflite, 1 thread", "m.tflite, 2 threads"]


def test_bench_of_a_stream(run):
    found = run("bench", "s.tflite", "--stream", "--calls", "12")
    assert found.exit_code == 0
    assert "Microseconds a chunk (12 calls)" in found.stdout
    data = json.loads(
        run("bench", "s.tflite", "--stream", "--calls", "12", "--steps", "3", "--json").stdout
    )
    assert (data["steps"], data["calls"]) == (3, 12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stream", "--plot", "p.png"], "--plot and --report are of lengths; leave --stream out"),
        (["--stream", "--report", "p.html"], "--plot and --report are of lengths"),
        (["--lengths", "0"], "expected numbers of 1 or more with commas; got '0'"),
        (["--lengths", "3;4"], "expected numbers of 1 or more with commas; got '3;4'"),
        (["--repeats", "2"], "Invalid value for '--repeats'"),
        (["--calls", "9"], "Invalid value for '--calls'"),
        (["--steps", "0"], "Invalid value for '--steps'"),
        (["--threads", "0"], "Invalid value for '--threads'"),
    ],
)
def test_bench_used_wrongly(run, arguments, message):
    found = run("bench", "m.tflite", *arguments)
    assert found.exit_code == 2
    assert message in _joined(found.stderr)
    assert not Path("p.png").exists()
    assert not Path("p.html").exists()


def _joined(text):
    """The text of a framed message on one line."""
    return " ".join(re.sub("[│╭╮╰╯─]", " ", text).split())


REFUSED = {
    "bench of a picture that is the model": ["bench", "m.tflite", "--plot", "m.tflite"],
    "bench of a page that is the model": ["bench", "m.tflite", "--report", "m.tflite"],
    "bench of a page that is the picture": [
        *("bench", "m.tflite", "--plot", "both", "--report", "both"),
    ],
    "a program over the model": ["snippet", "m.tflite", "-o", "m.tflite"],
    "node data over the model": ["view", "m.tflite", "--no-open", "--export", "m.tflite"],
    "node data over the report": [
        *("view", "m.tflite", "--no-open", "--export", "r.json", "--errors", "r.json"),
    ],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_read_is_not_written_over(run, name):
    Path("r.json").write_text("{}")
    before = Path("m.tflite").read_bytes()
    found = run(*REFUSED[name])
    assert found.exit_code == 1
    assert "the same call reads it, or writes it too. Give another output." in found.stderr
    assert Path("m.tflite").read_bytes() == before
    assert sorted(p.name for p in Path().iterdir()) == ["m.tflite", "r.json", "s.tflite"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["bench", "--plot", "no/p.png"],
        ["bench", "--report", "no/p.html"],
        ["snippet", "-o", "no/p.py"],
        ["view", "--no-open", "--export", "no/t.json"],
    ],
)
def test_a_folder_that_is_not_there_is_told_before_anything_runs(run, arguments, monkeypatch):
    monkeypatch.setattr("rnnlite.runtime.bench.time_model", lambda *_, **__: pytest.fail("it ran"))
    command, *rest = arguments
    found = run(command, "m.tflite", *rest)
    assert found.exit_code == 1
    assert found.stderr == f"rnnlite: cannot write '{rest[-1]}': there is no folder 'no'.\n"


@pytest.mark.parametrize("command", ["inspect", "bench", "snippet"])
def test_a_file_that_is_not_there(run, command):
    found = run(command, "none.tflite")
    assert found.exit_code == 1
    assert found.stderr.startswith("rnnlite: cannot read the LiteRT model 'none.tflite'")
    assert found.stdout == ""


def test_a_program_is_printed_as_it_is(run):
    Path("two.tflite").write_bytes(two().bytes())
    found = run("snippet", "two.tflite")
    assert found.exit_code == 0
    assert found.stdout.endswith("\n")
    assert not found.stdout.endswith("\n\n")
    compile(found.stdout, "program.py", "exec")


def test_a_program_is_written(run):
    found = run("snippet", "s.tflite", "-o", "p.py")
    assert found.stdout == "wrote p.py\n"
    assert Path("p.py").read_text() == run("snippet", "s.tflite").stdout


def test_no_program_calls_a_graph_without_a_name(run):
    found = run("snippet", "m.tflite", "-o", "p.py")
    assert found.exit_code == 1
    assert "the file has no signature to call it by; found a main graph alone" in found.stderr
    assert not Path("p.py").exists()


def test_a_language_that_is_none(run):
    found = run("snippet", "m.tflite", "--language", "cobol")
    assert found.exit_code == 2
    assert f"expected one of {', '.join(NAMES)}; got 'cobol'" in _joined(found.stderr)


def test_node_data_alone(run):
    found = run("view", "m.tflite", "--no-open", "--export", "t.json", "--length", "4")
    assert (found.exit_code, found.stdout) == (0, "wrote t.json\n")
    assert json.loads(Path("t.json").read_text())


def test_errors_of_ops_go_beside(run):
    errors = {"quantization": {"op_errors": [{"tensor": "y", "error": 0.25}]}}
    Path("r.json").write_text(json.dumps(errors))
    found = run("view", "m.tflite", "--no-open", "--export", "t.json", "--errors", "r.json")
    assert found.stdout == "wrote t.json\nwrote t.errors.json\n"
    (graph,) = json.loads(Path("t.errors.json").read_text()).values()
    assert graph["results"] == {"y": {"value": 25}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--no-open"], "--no-open wants --export FILE.json: there is nothing to do"),
        (["--errors", "r.json"], "--errors wants --export FILE.json, to write beside"),
        (["--no-open", "--export", "t.json", "--length", "0"], "Invalid value for '--length'"),
    ],
)
def test_view_used_wrongly(run, arguments, message):
    found = run("view", "m.tflite", *arguments)
    assert found.exit_code == 2
    assert message in _joined(found.stderr)


@pytest.fixture
def opened(monkeypatch):
    """What the viewer was called with."""
    calls = []
    monkeypatch.setattr("rnnlite.viewing.opening.viewer", lambda: "netron")
    monkeypatch.setattr("rnnlite.viewing.opening.open_in", lambda *given: calls.append(given))
    return calls


def test_a_viewer_gets_the_file(run, opened):
    assert run("view", "m.tflite").exit_code == 0
    assert opened == [("netron", Path("m.tflite"), [])]


def test_a_viewer_gets_the_node_data_that_was_written(run, opened):
    found = run("view", "m.tflite", "--export", "t.json", "--length", "3")
    assert found.stdout == "wrote t.json\n"
    assert opened == [("netron", Path("m.tflite"), [Path("t.json")])]


def test_no_viewer_is_asked_for_where_none_is_opened(run, monkeypatch):
    monkeypatch.setattr("rnnlite.viewing.opening.viewer", lambda: pytest.fail("asked for"))
    assert run("view", "m.tflite", "--no-open", "--export", "t.json").exit_code == 0


def test_a_model_that_is_none_opens_nothing(run, opened):
    Path("bad.tflite").write_bytes(b"nonsense")
    found = run("view", "bad.tflite", "--export", "t.json")
    assert found.exit_code == 1
    assert opened == []
    assert not Path("t.json").exists()


def test_what_is_timed_is_the_file_as_it_stands(run, monkeypatch):
    """The path goes through; a copy in memory would not show what is on the disk."""
    given = []

    def time_model(model, **options):
        given.append((read_model(model), options))
        return []

    monkeypatch.setattr("rnnlite.runtime.bench.time_model", time_model)
    monkeypatch.setattr("rnnlite.runtime.bench.bench_tables", lambda timings: "a table")
    assert run("bench", "m.tflite", "--lengths", "3, 9").stdout == "a table\n"
    ((data, options),) = given
    assert data == Path("m.tflite").read_bytes()
    assert options == {"lengths": [3, 9], "num_threads": 1, "repeats": 50}


def test_a_page_is_told_the_command(run, monkeypatch):
    given = []
    monkeypatch.setattr(module, "command_line", lambda: "the command")
    monkeypatch.setattr(
        "rnnlite.runtime.bench_page.save_bench_page",
        lambda page, model, timings, command: given.append((page, model, len(timings), command)),
    )
    run("bench", "m.tflite", "--lengths", "2,3", "--repeats", "3", "--report", "p.html")
    assert given == [(Path("p.html"), Path("m.tflite"), 2, "the command")]


def test_numbers_of_the_stream_add_up(run):
    """The stream of the file that these tests time gives running sums."""
    from rnnlite.runtime.model import load

    stream = load("s.tflite").stream()
    x = np.arange(10, dtype=np.float32).reshape(5, 2)
    np.testing.assert_array_equal(stream(x), np.cumsum(x, 0))
