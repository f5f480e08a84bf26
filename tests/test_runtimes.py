"""Files do on old and new runtimes as they claim: right from their least release on, refused below.

A small part of `make matrix`, for each mode: the release before the least one, that one, and the
newest. A runtime that cannot be had (no such Python, no network) is a test skipped with its reason.
"""

import sys
from pathlib import Path

import pytest

from rnnlite.lite import schema
from rnnlite.lite.releases import RELEASES, release
from rnnlite.lite.requirements import METADATA

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))

from runtimes import aarch64, micro
from runtimes.models import CASES, MODES, make
from runtimes.trials import try_files
from runtimes.wheels import RUNTIMES, Missing, Runtime, interpreter_of, oldest_of, python_with

CLAIMS = {
    "float32": "TFLite 2.9",
    "float16": "TFLite 2.9",
    "dynamic": "LiteRT 1.0",
    "int8": "TFLite 2.10",
    "int16x8": "LiteRT 1.3",
}
"""The least release of a GRU's sequence of 32 units, batch 1, in each mode."""


@pytest.fixture(scope="module")
def job(request, tmp_path_factory):
    """A GRU's sequence in a mode."""
    case = next(c for c in CASES if c.name == "gru sequence")
    return make(case, request.param, tmp_path_factory.mktemp("matrix"))


def tried(job, runtime, delegates):
    try:
        (trial,) = try_files([job], runtime, delegates=delegates)
    except Missing as e:
        pytest.skip(str(e))
    return trial


@pytest.mark.parametrize("job", MODES, indirect=True)
@pytest.mark.parametrize("place", ["before", "least", "newest"])
def test_claims(job, place):
    model = schema.read(Path(job["model"]).read_bytes())
    least = CLAIMS[job["mode"]]
    said = release(least).tensorflow.encode().ljust(16, b"\0")
    assert model.metadata[METADATA] == said
    number = RELEASES.index(release(least))
    if place == "before" and number == 0:
        pytest.skip("no older runtime has the ops of a loop that this project makes")
    runtime = {
        "before": oldest_of(RELEASES[number - 1].name),
        "least": oldest_of(least),
        "newest": RUNTIMES[-1],
    }[place]
    for delegates in (True, False):
        trial = tried(job, runtime, delegates)
        assert trial.claimed == least
        assert trial.state == ("refused at load" if place == "before" else "right"), trial.detail
        assert trial.as_claimed


@pytest.mark.parametrize(
    ("name", "mode", "least"),
    [("stream", "float32", "TFLite 2.9"), ("two functions", "int16x8", "LiteRT 1.3")],
)
def test_signatures_by_turns(name, mode, least, tmp_path):
    """By a plain interpreter's signature runners, states of the stream fed back."""
    job = make(next(c for c in CASES if c.name == name), mode, tmp_path)
    for runtime in (oldest_of(least), RUNTIMES[-1]):
        trial = tried(job, runtime, delegates=True)
        assert trial.claimed == least
        assert trial.state == "right", trial.detail


def test_microcontrollers(tmp_path):
    case = next(c for c in micro.fixed() if c.name == "embedding")
    try:
        trials = micro.try_on_micro([make(case, mode, tmp_path) for mode in case.modes])
    except Missing as e:
        pytest.skip(str(e))
    assert [t.mode for t in trials] == ["float32", "int8", "int16x8"]
    assert {t.state for t in trials} == {"right"}, trials


def test_missing_python_is_said():
    assert interpreter_of("3.1") is None
    with pytest.raises(Missing, match=r"^a 1: no Python 3\.1 or 3\.2 here$"):
        python_with(Runtime("TFLite 2.9", "a", "1", ("3.1", "3.2")))


def test_aarch64(tmp_path):
    """Under qemu-user, where `make matrix` has already got a Python for it."""
    if not (aarch64.PLACE / "done").exists():
        pytest.skip("aarch64: make matrix has not run here with qemu-user")
    case = next(c for c in aarch64.cases() if c.name == "lstm")
    job = make(case, "int8", tmp_path)
    try:
        (trial,) = try_files([job], aarch64.RUNTIME, delegates=True, start=aarch64.python_with)
    except Missing as e:
        pytest.skip(str(e))
    assert trial.state == "right", trial.detail


def test_missing_qemu_is_said(monkeypatch):
    monkeypatch.setattr(aarch64.shutil, "which", lambda name: None)
    aarch64.python_with.cache_clear()
    with pytest.raises(Missing, match=r"^aarch64: no qemu-aarch64 here \(Debian's qemu-user\)$"):
        aarch64.python_with(aarch64.RUNTIME)
