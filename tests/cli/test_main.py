"""The command line, as a user types it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import rnnlite
import two_signatures
from rnnlite.cli.main import app
from rnnlite.datasets import predicting


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def call(*arguments):
        return runner.invoke(app, [str(a) for a in arguments])

    return call


@pytest.fixture
def files(tmp_path, exits_model, exits, sequences):
    exits_model.save(tmp_path / "m.keras")
    exits.save(tmp_path / "m.tflite")
    np.savez(tmp_path / "s.npz", *sequences)
    return tmp_path


def test_help_and_version(run):
    for command in ("convert", "predict", "evaluate", "inspect", "verify", "bench"):
        assert command in run("--help").output
        result = run(command, "--help")
        assert result.exit_code == 0
        assert "--json" in result.output
    assert rnnlite.__version__ in run("--version").output


def test_convert_writes_a_checked_file(run, files):
    result = run("convert", "m.keras", "-o", "out.tflite")
    assert result.exit_code == 0, result.output
    assert "wrote out.tflite" in result.output
    assert "Parity with the source" in result.output
    assert rnnlite.load(files / "out.tflite").outputs[1].name == "label"


def test_convert_json(run, files):
    result = run(
        "convert",
        "m.keras",
        "-o",
        "o.tflite",
        "--json",
        "--batch-size",
        "any",
        "--sequence-length",
        "9",
        "--no-verify",
    )
    report = json.loads(result.stdout)
    assert report["inputs"][0]["shape"] == [None, 9, 3]
    assert report["parity"] is None


def test_a_schedule_of_the_users_own(run, files):
    result = run("convert", "m.keras", "-o", "o.tflite", "--json", "--schedule", "unroll=2")
    recurrences = json.loads(result.stdout)["recurrences"]
    assert {r["unroll"] for r in recurrences} == {2}
    assert recurrences[0]["schedule"].startswith(
        "2 steps an iteration, identity padding steps in front"
    )
    refused = run("convert", "m.keras", "-o", "n.tflite", "--schedule", "unrol=2")
    assert (refused.exit_code, (files / "n.tflite").exists()) == (1, False)
    assert "schedule names what it does not have" in refused.stderr


def test_predict(run, files, exits, sequences):
    result = run("predict", "m.tflite", "s.npz", "-o", "out.npz", "--json")
    assert json.loads(result.stdout)["outputs"]["label"] == [5]
    expected = rnnlite.load(exits.tflite).predict(sequences)
    with np.load(files / "out.npz") as found:
        for k in range(5):
            np.testing.assert_array_equal(found[f"label/{k}"], expected["label"][k])
            np.testing.assert_array_equal(found[f"tags/{k}"], expected["tags"][k])


def test_what_workers_say_is_no_part_of_the_result(run, files, monkeypatch, capfd):
    """Ray prints to standard output that a worker was killed."""
    ours = predicting.predict_files

    def noisy(*arguments, **options):
        print("(raylet) A worker died")
        return ours(*arguments, **options)

    monkeypatch.setattr(predicting, "predict_files", noisy)
    result = run("predict", "m.tflite", "s.npz", "-o", "out.npz", "--json")
    assert json.loads(result.stdout)["out"] == "out.npz"
    assert "A worker died" in capfd.readouterr().err


def test_predict_by_exits(run, files, exits_model, sequences):
    lite = rnnlite.convert(exits_model, exits=True, verify=False)
    lite.save(files / "e.tflite")
    result = run("predict", "e.tflite", "s.npz", "-o", "out.npz", "--early", "0.0", "--json")
    first = rnnlite.load(lite.tflite).exits[0].output
    assert json.loads(result.stdout)["shares"][first] == 1.0
    with np.load(files / "out.npz") as found:
        assert [int(found[f"exit/{k}"]) for k in range(5)] == [0] * 5
    refused = run("predict", "m.tflite", "s.npz", "-o", "o.npz", "--early", "0.5")
    assert (refused.exit_code, "the file has no exits" in refused.stderr) == (1, True)
    assert run("predict", "e.tflite", "s.npz", "-o", "o.npz", "--early", "sure").exit_code == 2


def test_predict_over_files(run, files, exits, sequences):
    np.savez(files / "t.npz", **{"frames": np.stack([sequences[0]] * 3)})
    arguments = ["m.tflite", "s.npz", "t.npz", "-o", "o.npz", "--threads", "2", "--resume"]
    result = run("predict", *arguments, "--column", f"{exits_input(files)}=frames")
    assert result.exit_code == 1
    assert "'s.npz' has no column" in result.stderr
    result = run("predict", "m.tflite", "t.npz", "-o", "o.npz")
    assert result.stdout == "3 samples: tags (any, 2), label (5); wrote o.npz\n"
    assert run("predict", "m.tflite", "t.npz", "-o", "o.npz", "--column", "x").exit_code == 2


def test_evaluate(run, files, exits, sequences):
    np.save(files / "y.npy", np.array([0, 1, 2, 3, 4]))
    arguments = ["m.tflite", "s.npz", "--labels", "y.npy", "--output", "label"]
    result = run("evaluate", *arguments, "--against", "m.tflite", "--table", "t.csv", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    picked = rnnlite.load(exits.tflite).predict(sequences)["label"].argmax(1)
    assert found["scores"]["accuracy"] == (picked == np.arange(5)).mean()
    assert found["agreement"]["same_class"] == 1
    assert len((files / "t.csv").read_text().splitlines()) == 6
    result = run("evaluate", *arguments, "--classes", "a,b,c,d,e", "--worst", "2")
    assert "By class" in result.stdout
    result = run("evaluate", "m.tflite", "s.npz")
    assert result.exit_code == 1
    assert "nothing to compare with" in result.stderr


def exits_input(files):
    return rnnlite.load(files / "m.tflite").inputs[0].name


def test_inspect_verify_bench(run, files):
    assert "forward_lstm" in run("inspect", "m.tflite").output
    assert json.loads(run("inspect", "m.tflite", "--json").stdout)["custom_ops"] == []
    result = run("verify", "m.keras", "m.tflite", "--samples", "s.npz", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["parity"]["lengths"][-1] == 30
    result = run("bench", "m.tflite", "--lengths", "2,4", "--repeats", "3", "--json")
    assert [t["length"] for t in json.loads(result.stdout)] == [2, 4]


def test_verify_of_a_model_that_differs(run, files):
    other = __import__("keras").models.load_model(files / "m.keras")
    other.set_weights([w * 1.01 for w in other.get_weights()])
    other.save(files / "other.keras")
    result = run("verify", "other.keras", "m.tflite")
    assert result.exit_code == 1
    assert "rnnlite: the LiteRT model differs from" in result.stderr


def test_view_writes_node_data(run, files):
    result = run("view", "m.tflite", "--no-open", "--export", "t.json", "--length", "9")
    assert (result.exit_code, result.stdout) == (0, "wrote t.json\n")
    assert "tags" in json.loads((files / "t.json").read_text())["main"]["results"]
    assert run("view", "m.tflite", "--no-open").exit_code == 2
    assert run("view", "m.tflite", "--errors", "r.json").exit_code == 2
    report = {"quantization": {"op_errors": [{"tensor": "tags", "error": 0.5}]}}
    (files / "r.json").write_text(json.dumps(report))
    result = run("view", "m.tflite", "--no-open", "--export", "t.json", "--errors", "r.json")
    assert result.stdout == "wrote t.json\nwrote t.errors.json\n"
    found = json.loads((files / "t.errors.json").read_text())["main"]["results"]
    assert found == {"tags": {"value": 50}}
    result = run("view", "none.tflite", "--no-open", "--export", "t.json")
    assert (result.exit_code, "cannot read the LiteRT model" in result.stderr) == (1, True)


def test_snippet(run, files):
    result = run("snippet", "m.tflite")
    assert result.exit_code == 0
    compile(result.stdout, "program.py", "exec")
    assert "import tensorflow" not in result.stdout
    result = run("snippet", "m.tflite", "--language", "kotlin", "-o", "M.kt")
    assert result.stdout == "wrote M.kt\n"
    assert "fun main" in (files / "M.kt").read_text(encoding="utf-8")
    result = run("snippet", "m.tflite", "-o", "none/M.kt")
    assert (result.exit_code, result.stderr) == (
        1,
        "rnnlite: cannot write 'none/M.kt': there is no folder 'none'.\n",
    )
    assert (
        "LiteRT.js takes no free shapes"
        in run("snippet", "m.tflite", "--language", "javascript").stderr
    )
    assert run("snippet", "m.tflite", "--language", "cobol").exit_code == 2
    assert "s.npz" in run("snippet", "s.npz").stderr or run("snippet", "s.npz").exit_code == 1


def test_reports_are_pages(run, files):
    calls = (
        ("convert", "m.keras", "-o", "o.tflite", "--no-verify"),
        ("evaluate", "m.tflite", "s.npz", "--output", "label", "--against", "m.tflite"),
        ("bench", "m.tflite", "--lengths", "2,4", "--repeats", "3"),
    )
    for command, *arguments in calls:
        result = run(command, *arguments, "--report", "out.html")
        assert result.exit_code == 0, result.output
        page = (files / "out.html").read_text(encoding="utf-8")
        assert page.startswith("<!DOCTYPE html>")
        assert "<h2>The command</h2>" in page
        if command != "evaluate":
            assert "Peak memory" in page
        result = run(command, *arguments, "--report", "none/out.html")
        assert result.exit_code == 1
        message = "rnnlite: cannot write 'none/out.html': there is no folder 'none'.\n"
        assert result.stderr == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["convert", "none.keras", "-o", "x.tflite"], "there is no file or folder 'none.keras'"),
        (["convert", "m.keras", "-o", "no/x.tflite"], "there is no folder 'no'"),
        (["convert", "m.tflite", "-o", "x.tflite"], "is a LiteRT model already"),
        (["convert", "m.keras", "-o", "x.tflite", "--custom-objects", "c.py"], "no file 'c.py'"),
        (["predict", "s.npz", "s.npz", "-o", "x.npz"], "no LiteRT model"),
        (["predict", "m.tflite", "m.tflite", "-o", "x.npz"], "of a kind that is not read"),
        (["predict", "m.tflite", "s.npz", "-o", "no/x.npz"], "cannot write"),
        (["inspect", "none.tflite"], "cannot read the LiteRT model 'none.tflite'"),
        (["bench", "none.tflite"], "cannot read the LiteRT model"),
        (["verify", "m.keras", "none.tflite"], "cannot read the LiteRT model"),
    ],
)
def test_refusals_are_one_message_and_status_1(run, files, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("rnnlite: ")
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
    assert not (files / "x.tflite").exists()
    assert not (files / "x.npz").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["convert"],
        ["convert", "m.keras"],
        ["convert", "m.keras", "-o", "x", "--batch-size", "0"],
        ["convert", "m.keras", "-o", "x", "--sequence-length", "long"],
        ["bench", "m.tflite", "--lengths", "1,b"],
        ["unknown"],
    ],
)
def test_wrong_usage_is_status_2(run, files, arguments):
    assert run(*arguments).exit_code == 2


GRAPHS = Path(__file__).parents[1] / "fixtures" / "tensorflow1"


def test_convert_a_graph_and_verify_it(run, tmp_path):
    graph = GRAPHS / "multi_exit.pb"
    result = run("convert", graph, "-o", "m.tflite", "--inputs", "x:0", "--outputs", "late:0,early")
    assert result.exit_code == 0, result.stderr
    assert "weights of one: one/lstm_cell/kernel" in " ".join(result.stdout.split())
    assert [s.name for s in rnnlite.load(tmp_path / "m.tflite").outputs] == ["late", "early"] or [
        s.name for s in rnnlite.load(tmp_path / "m.tflite").outputs
    ] == ["late/BiasAdd", "early/BiasAdd"]
    named = ["--inputs", "x:0", "--outputs", "late:0,early:0"]
    assert run("verify", graph, "m.tflite", *named).exit_code == 0
    found = run("convert", graph, "-o", "n.tflite", "--json")
    notes = json.loads(found.stdout)["notes"]
    assert "outputs found (nothing reads them): early:0, late:0, state:0" in notes
    assert "inputs found (placeholders): x:0" in notes


def test_freeze(run, tmp_path):
    result = run("freeze", GRAPHS / "lstm_peepholes_checkpoint", "-o", "frozen.pb")
    assert result.exit_code == 0, result.stderr
    assert "output  state_0  [any, 5]       float32" in result.stdout
    assert run("convert", "frozen.pb", "-o", "m.tflite").exit_code == 0
    refused = run("freeze", GRAPHS / "gru.pb", "-o", "f.pb", "--outputs", "outptus:0")
    assert (refused.exit_code, len(refused.stderr.strip().splitlines())) == (1, 1)
    assert "the graph has no tensor 'outptus:0'; found near it: 'outputs:0'" in refused.stderr
    assert not (tmp_path / "f.pb").exists()


def test_a_failed_conversion_leaves_the_old_file(run, files):
    (files / "out.tflite").write_bytes(b"old")
    assert run("convert", "s.npz", "-o", "out.tflite").exit_code == 1
    assert (files / "out.tflite").read_bytes() == b"old"


def test_custom_objects_file(run, files):
    import keras

    import option_table

    (files / "cells.py").write_text(
        f"import sys\nsys.path.insert(0, {str(GRAPHS.parents[1])!r})\n"
        "import keras, option_table\nDelayCell = option_table.custom_cell(keras)\n"
    )
    cell = option_table.custom_cell(keras)
    model = keras.Sequential([keras.Input((None, 2)), keras.layers.RNN(cell(3))])
    model.save(files / "custom.keras")
    assert run("convert", "custom.keras", "-o", "c.tflite").exit_code == 1
    result = run("convert", "custom.keras", "-o", "c.tflite", "--custom-objects", "cells.py")
    assert result.exit_code == 0, result.output


@pytest.mark.long
def test_the_installed_command_is_quiet_on_standard_error(files):
    done = subprocess.run(
        [sys.executable, "-m", "rnnlite", "convert", "m.keras", "-o", "q.tflite"],
        cwd=files,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


def test_verbose_shows_each_step_on_standard_error(run, files, capfd):
    options = ("--quantize", "dynamic", "--max-error", 1, "--no-verify")
    result = run("convert", files / "m.keras", "-o", files / "n.tflite", *options, "-v")
    assert result.exit_code == 0, result.output
    lines = capfd.readouterr().err.splitlines()
    for shown in (
        r"layout as it is: \d+ ops of \d+ that the budget allows",
        r"step (trace|convert|quantize): \d+\.\d\d s",
        r"schedule of 'label': .*steps.*",
        r"pass keep_sequences: \d\.\d\d\d s.*",
        r"trial 'float32': off by .* %, [\d,]+ bytes, the best so far",
    ):
        assert any(re.fullmatch(f"rnnlite: {shown}", line) for line in lines), shown
    # It ends with the command.
    run("convert", files / "m.keras", "-o", files / "n.tflite", "--no-verify")
    assert "rnnlite: pass" not in capfd.readouterr().err


def test_convert_quantized(run, files, sequences):
    result = run(
        "convert", "m.keras", "-o", "q.tflite", "--quantize", "int8", "--calibration", "s.npz"
    )
    assert result.exit_code == 0, result.output
    for part in (
        "Quantization: int8, inputs and outputs int8",
        "warning: 5 calibration samples are few",
        "wrote q.tflite",
    ):
        assert part in result.output
    loaded = rnnlite.load(files / "q.tflite")
    assert loaded.inputs[0].dtype == "int8"
    assert "quantized: int8, I/O int8" in run("inspect", "q.tflite").output
    result = run("predict", "q.tflite", "s.npz", "-o", "raw.npz", "--raw")
    assert result.exit_code == 0, result.output
    with np.load(files / "raw.npz") as raw:
        assert raw["label/0"].dtype == np.int8
        expected = loaded.predict(sequences, raw=True)["label"]
        np.testing.assert_array_equal(raw["label/0"], expected[0])
    result = run("verify", "m.keras", "q.tflite", "--samples", "s.npz", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["quantization"]
    assert (found["mode"], found["measured_on"]) == ("int8", "5 samples")


def test_quantization_refusals_leave_no_file(run, files):
    np.savez(files / "bad.npz", np.full((4, 3), np.nan, np.float32))
    for arguments, text in (
        (["--quantize", "int8", "--calibration", "none.npz"], "cannot read the data 'none.npz'"),
        (["--quantize", "int8", "--calibration", "bad.npz"], "sample 0, input 'frames' holds NaN"),
    ):
        result = run("convert", "m.keras", "-o", "x.tflite", *arguments)
        assert result.exit_code == 1
        assert text in " ".join(result.stderr.split())
        assert not (files / "x.tflite").exists()
    for arguments, text in (
        (["--quantize", "int4"], "int4"),
        (["--io", "int8"], "io is given"),
        (["--quantize", "int8"], "calibration"),
        (["--quantize", "dynamic", "--io", "int8"], "io does not fit"),
    ):
        result = run("convert", "m.keras", "-o", "x.tflite", *arguments)
        assert result.exit_code == 2
        assert text in result.stderr


def test_constants_on_the_command_line(run, tmp_path):
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        rate = v1.placeholder(tf.float32, None, name="rate")
        on = v1.placeholder(tf.bool, None, name="on")
        tf.identity(tf.where(on, x * rate, x), name="y")
    (tmp_path / "g.pb").write_bytes(graph.as_graph_def().SerializeToString())
    values = ("--constant", "rate:0=[1.0, 2.0, 3.0, 4.0]", "--constant", "on=true")
    result = run("convert", "g.pb", "-o", "m.tflite", *values)
    assert result.exit_code == 0, result.output
    (y,) = rnnlite.load(tmp_path / "m.tflite").run([np.ones((1, 4), np.float32)])
    np.testing.assert_array_equal(y, [[1.0, 2.0, 3.0, 4.0]])
    assert run("verify", "g.pb", "m.tflite", *values).exit_code == 0
    assert run("freeze", "g.pb", "-o", "f.pb", *values).exit_code == 0
    for wrong in ("rate", "rate=abc", "=1"):
        assert run("convert", "g.pb", "-o", "n.tflite", "--constant", wrong).exit_code == 2
    result = run("convert", "g.pb", "-o", "n.tflite", "--constant", "rates=1")
    assert result.exit_code == 1
    assert "the constant 'rates' is no input of graph 'g.pb'" in " ".join(result.stderr.split())


@pytest.mark.parametrize("given", [["--streaming"], ["--streaming", "any"], ["--streaming", "2"]])
def test_streaming(run, tmp_path, given):
    import keras

    net = keras.Sequential([keras.Input((None, 3)), keras.layers.GRU(4, return_sequences=True)])
    net.save(tmp_path / "live.keras")
    result = run("convert", "live.keras", "-o", "live.tflite", *given)
    assert result.exit_code == 0, result.output
    chunks = "chunks of 2 steps" if given[-1] == "2" else "chunks of any length"
    assert f"Stream: {chunks}; 1 states; random cuttings against the whole" in result.output
    stream = rnnlite.load(tmp_path / "live.tflite").stream()
    assert stream(np.ones((4, 3), np.float32)).shape == (4, 4)


def test_streaming_that_is_no_number_is_wrong_usage(run, files):
    result = run("convert", "m.keras", "-o", "out.tflite", "--streaming", "0")
    assert result.exit_code == 2
    assert "expected any, or a number of steps of 1 or more; got '0'" in " ".join(
        result.output.replace("│", " ").split()
    )


def test_a_fault_of_ours_is_one_message(run, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("rnnlite.lite.inspection.inspect", broken)
    result = run("inspect", "m.tflite")
    assert result.exit_code == 1
    assert result.stderr.startswith("rnnlite: ZeroDivisionError")
    assert "division by zero. This is a fault of rnnlite: please report it" in result.stderr
    assert "Traceback" not in result.stderr


def test_several_signatures(run, tmp_path):
    two_signatures.save(tmp_path / "m")
    given = two_signatures.samples(25)
    np.savez(tmp_path / "e.npz", *given["encode"])
    rows = {f"{n}/{k}": v for k, row in enumerate(given["decode"]) for n, v in row.items()}
    np.savez(tmp_path / "d.npz", **rows)
    both = "--signature", "encode", "--signature", "decode"
    quantize = (
        "--quantize",
        "int8",
        "--calibration",
        "encode=e.npz",
        "--calibration",
        "decode=d.npz",
    )
    result = run("convert", "m", "-o", "q.tflite", *both, *quantize)
    assert result.exit_code == 0, result.output
    assert "Signature 'decode'" in run("inspect", "q.tflite").output
    result = run("predict", "q.tflite", "d.npz", "-o", "out.npz", "--signature", "decode")
    assert result.exit_code == 0, result.output
    with np.load(tmp_path / "out.npz") as found:
        expected = rnnlite.load(tmp_path / "q.tflite").predict(given["decode"], signature="decode")
        np.testing.assert_array_equal(found["arr_0"], expected[0])
    result = run("predict", "q.tflite", "e.npz", "-o", "x.npz", "--signature", "walk")
    assert (result.exit_code, (tmp_path / "x.npz").exists()) == (1, False)
    assert "no signature 'walk'" in result.output
    result = run("verify", "m", "q.tflite", "--json")
    assert [s["name"] for s in json.loads(result.stdout)["signatures"]] == ["encode", "decode"]
