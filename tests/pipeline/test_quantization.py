"""Candidates are finished and measured in order, no further than needed; all are stood in for."""

from types import SimpleNamespace

import pytest

from rnnlite.errors import UnsupportedError
from rnnlite.pipeline import quantization
from rnnlite.quantization.config import QuantizationConfig
from rnnlite.quantization.select import Candidate, Refused

ORDER = QuantizationConfig("int8", "int8", max_error=0.25)
SAMPLES = SimpleNamespace(used=[["used"]] * 60, held_out=[["held out"]] * 3)


class _Stub:
    """In place of a model."""

    def __init__(self, found):
        self.found = found

    def copy(self):
        return self, {}


@pytest.fixture
def tried(monkeypatch):
    """Run `_best` on candidates (trial, error, bytes, limited); gives what it took and measured."""

    def run(found, order=ORDER, samples=SAMPLES):
        measured = []

        def measure(reference, data, looked_at, *, lengths, signature="a"):
            measured.append((data.decode().strip(), len(looked_at), lengths))
            error = next(error for trial, error, *_ in made if trial == measured[-1][0])
            return (SimpleNamespace(rms_error=error, argmax_agreement=None),)

        made = [f for f in found if not isinstance(f, Refused)]
        candidates = [
            f if isinstance(f, Refused) else Candidate(f[0], _Stub(f), [], limited=f[3])
            for f in found
        ]
        monkeypatch.setattr(quantization, "candidates", lambda *_: iter(candidates))
        monkeypatch.setattr(quantization, "measure", measure)
        monkeypatch.setattr(quantization, "largest_file", lambda model: 100.0)
        monkeypatch.setattr(quantization, "weights_a_step", lambda model: 0)
        monkeypatch.setattr(
            quantization,
            "finish",
            lambda parts, target: parts[0].model.found[0].encode().ljust(parts[0].model.found[2]),
        )
        part = SimpleNamespace(entry=SimpleNamespace(signature="a"), model=None, details={})
        taken = quantization._Taken(part, samples, SAMPLES.held_out, None)
        best, records = quantization._best([taken], order)
        return best.trial, [m[0] for m in measured], [r.verdict for r in records], measured

    return run


def test_what_is_good_enough_ends_the_search(tried):
    best, measured, verdicts, calls = tried([("a", 0.01, 50, False), ("b", 0.001, 50, False)])
    assert (best, measured, verdicts) == ("a", ["a"], ["taken"])
    # On what was held out and some of the others, at their own lengths.
    assert calls == [("a", 50, False)]


def test_dynamic_looks_at_what_was_held_out(tried):
    order = QuantizationConfig("dynamic", "float32", max_error=0.1)
    assert tried([("a", 0.01, 50, False)], order)[3] == [("a", 3, False)]
    assert tried([("a", 0.01, 50, False)], order, None)[3] == [("a", 3, False)]


def test_a_finer_one_whose_file_is_too_large_is_not_measured(tried):
    best, measured, verdicts, _ = tried([("a", 0.1, 50, False), ("b", 0.001, 101, True)])
    assert (best, measured) == ("a", ["a"])
    assert verdicts == ["taken", "file larger than 100 bytes"]
    # But where none would be accepted.
    assert tried([("a", 0.3, 50, False), ("b", 0.001, 101, True)])[0] == "b"
    assert tried([("a", 0.1, 50, False), ("b", 0.001, 101, False)])[0] == "b"


def test_refused_trials_are_passed_over(tried):
    first = Refused("a", UnsupportedError("CUMSUM has no kernel"))
    best, _, verdicts, _ = tried([first, ("b", 0.1, 50, False)])
    assert (best, verdicts) == ("b", ["CUMSUM has no kernel", "taken"])
    with pytest.raises(UnsupportedError, match="CUMSUM"):
        tried([first, Refused("b", UnsupportedError("EXP has none"))])
