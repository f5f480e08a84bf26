"""Files of fixed length on LiteRT.js in headless Chromium, and the page in examples/browser.

Skipped with the reason where Node, Chromium or the packages are not there: `make browser-setup`.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "examples" / "browser"))
sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))

from runtimes import browser
from runtimes.models import CASES, MODES, make
from runtimes.wheels import Missing

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def litert_js():
    try:
        return browser.litert_js()
    except Missing as e:
        pytest.skip(str(e))


@pytest.fixture(scope="module")
def trials(litert_js, tmp_path_factory):
    """An LSTM's last output in all modes, run in one browser."""
    case = next(c for c in CASES if c.name == "lstm")
    folder = tmp_path_factory.mktemp("browser")
    jobs = [make(browser.fixed(case, mode), mode, folder) for mode in MODES]
    return {trial.mode: trial for trial in browser.try_in_browser(jobs)}


@pytest.mark.parametrize("mode", MODES)
def test_fixed_length(trials, mode):
    assert trials[mode].state == "right", trials[mode].detail


def test_single_steps(litert_js, tmp_path):
    """The stream of a file whose whole sequences have a free length."""
    case = browser.fixed(next(c for c in CASES if c.name == "stream of single steps"), "dynamic")
    (trial,) = browser.try_in_browser([make(case, "dynamic", tmp_path)])
    assert trial.state == "right", trial.detail


def test_free_length_is_refused_at_run(litert_js, tmp_path):
    case = next(c for c in CASES if c.name == "simple")
    (trial,) = browser.try_in_browser([make(case, "float32", tmp_path)])
    assert trial.state == "refused at run"


@pytest.mark.long
def test_page(litert_js, tmp_path):
    import keras
    from export import export

    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((None, 12)),
            keras.layers.Bidirectional(keras.layers.GRU(6)),
            keras.layers.Dense(9, activation="softmax"),
        ]
    )
    export(model, tmp_path)
    script = ROOT / "benchmarks" / "runtimes" / "page.mjs"
    subprocess.run(
        [shutil.which("node"), script, shutil.which("chromium"), tmp_path], check=True, timeout=300
    )
    views = json.loads((tmp_path / "page.json").read_text())
    assert [view["width"] for view in views] == [390, 1280]
    for view in views:
        assert view["errors"] == []
        assert view["scroll"] == view["width"]
        # Scores at the utterance's own length without a mask, by Keras.
        assert np.max(view["gaps"]) < 1e-6
        assert (tmp_path / f"page-{view['width']}.png").stat().st_size > 0


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(browser.shutil, "which", lambda name: None if name == "chromium" else name)
    with pytest.raises(Missing, match=r"^LiteRT\.js: no chromium here \(make browser-setup\)$"):
        browser.litert_js()
