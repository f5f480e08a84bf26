"""Candidates are finished and measured in order, no further than needed; all are stood in for."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from rnnlite.errors import ParityError, UnsupportedError
from rnnlite.pipeline import quantization
from rnnlite.pipeline.pass_order import File, Part
from rnnlite.quantization.calibration import Samples
from rnnlite.quantization.config import QuantizationConfig
from rnnlite.quantization.measure.causes import Cause
from rnnlite.quantization.plan.front import REASON
from rnnlite.quantization.select import Candidate, Refused
from rnnlite.report.quantization import OutputAccuracy, TrialRecord
from rnnlite.target import LITERT, MICRO

ORDER = QuantizationConfig("int8", "int8", max_error=0.25)
SAMPLES = SimpleNamespace(used=[["used"]] * 60, held_out=[["held out"]] * 3)


class _Stub:
    """In place of a model."""

    def __init__(self, found):
        self.found = found

    def copy(self):
        return self, {}


def _file(name, size):
    return File(name.ljust(size), None, {})


@pytest.fixture
def tried(monkeypatch):
    """Run `_best` on candidates (trial, error, bytes, limited); gives what it took and measured."""

    def run(found, order=ORDER, samples=SAMPLES):
        measured = []

        def measure(reference, data, held_out, others, *, signature="a", states=()):
            measured.append((data.decode().strip(), len(held_out), len(others)))
            error = next(error for trial, error, *_ in made if trial == measured[-1][0])
            return ("held out",), (
                SimpleNamespace(rms_error=error, argmax_agreement=None, fed_back=None),
            )

        made = [f for f in found if not isinstance(f, Refused)]
        candidates = [
            f if isinstance(f, Refused) else Candidate(f[0], _Stub(f), [], limited=f[3])
            for f in found
        ]
        monkeypatch.setattr(quantization, "candidates", lambda *_: iter(candidates))
        monkeypatch.setattr(quantization, "measure_samples", measure)
        monkeypatch.setattr(quantization, "largest_file", lambda model: 100.0)
        monkeypatch.setattr(quantization, "weights_a_step", lambda model: 0)
        monkeypatch.setattr(
            quantization,
            "finalize",
            lambda parts, *_: _file(parts[0].model.found[0].encode(), parts[0].model.found[2]),
        )
        part = SimpleNamespace(entry=SimpleNamespace(signature="a"), model=None, details={})
        taken = quantization._Subject(part, samples, SAMPLES.held_out, None)
        best, records = quantization._best([taken], order)
        assert best.content.accuracies == (("held out",),)
        return best.trial, [m[0] for m in measured], [r.verdict for r in records], measured

    return run


def test_what_is_good_enough_ends_the_search(tried):
    best, measured, verdicts, calls = tried([("a", 0.01, 50, False), ("b", 0.001, 50, False)])
    assert (best, measured, verdicts) == ("a", ["a"], ["taken"])
    # On what was held out and on the others, at their own lengths.
    assert calls == [("a", 3, 60)]


def test_dynamic_looks_at_what_was_held_out(tried):
    order = QuantizationConfig("dynamic", "float32", max_error=0.1)
    assert tried([("a", 0.01, 50, False)], order)[3] == [("a", 3, 0)]
    assert tried([("a", 0.01, 50, False)], order, None)[3] == [("a", 3, 0)]


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


@pytest.mark.parametrize(
    ("errors", "taken", "verdicts"),
    [
        ([0.2], 0.2, ["taken"]),
        ([0.6, 0.1], 0.1, ["off by more than 25 %", "taken"]),
        ([0.6, 0.3], 0.6, ["taken", "off by more than 25 % too"]),
    ],
)
def test_what_would_be_refused_is_calibrated_on_whole_samples(monkeypatch, errors, taken, verdicts):
    calls = []

    def best(subjects, config, target):
        error = errors[len(calls)]
        calls.append([one.samples.short for one in subjects])
        return quantization.Measured("int8", error, 9, None), (
            TrialRecord("int8", error, 9, "taken"),
        )

    monkeypatch.setattr(quantization, "_best", best)
    one = quantization._Subject(None, Samples([], [], ("few",), (), [["first steps"]]), [], None)
    used, found, trials = quantization._best_of_ranges([one], ORDER, LITERT)
    assert (found.error, [t.verdict for t in trials]) == (taken, verdicts)
    assert calls == [[[["first steps"]]], [()]][: len(errors)]
    warnings = used[0].samples.warnings
    assert warnings[0] == "few"
    assert ["off by 60 %: shorter sequences" in w for w in warnings[1:]] == [True] * (taken == 0.1)


def test_without_beginnings_nothing_is_tried_again(monkeypatch):
    """Those of a stream stay: a chunk may be as short."""
    found = quantization.Measured("int8", 0.6, 9, None), ()
    monkeypatch.setattr(quantization, "_best", lambda *_: found)
    for short, streamed in (((), None), ([["first steps"]], ("part", "chunk"))):
        samples = Samples([], [], (), (), short)
        one = quantization._Subject(None, samples, [], None, streamed)
        assert quantization._best_of_ranges([one], ORDER, LITERT) == ([one], *found)


POOR = [OutputAccuracy("x", 0.01, 40.0, None), OutputAccuracy("y", 0.15, 16.5, None)]
CAUSE = Cause("inputs are coarse", "Make them fine")


@pytest.fixture
def looked_into(monkeypatch):
    """The cause that is found of errors, and the names of the outputs that were looked into."""

    def run(accuracy=POOR, mode="int8", io="int8", max_error=0.25, kept=(), samples=SAMPLES):
        asked = []
        monkeypatch.setattr(quantization, "rounded_alone", lambda *_, **__: [0] * len(accuracy))

        def cause_of(off, model, used, inputs, config, enough, states):
            asked.extend((a.name, enough) for a, _ in off)
            assert (used, states) == (samples.used, {3})
            return CAUSE

        monkeypatch.setattr(quantization, "cause_of", cause_of)
        part = SimpleNamespace(entry=SimpleNamespace(signature="a", inputs=()), model=None)
        one = quantization._Subject(part, samples, SAMPLES.held_out, None)
        config = QuantizationConfig(mode, io, max_error=max_error)
        rewriting = object() if config.integer else None
        states = ((3, 0),)
        candidate = Candidate("a", None, [], kept=tuple(kept), rewriting=rewriting, states=states)
        return quantization._cause(accuracy, candidate, one, config, b"file"), asked

    return run


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, [("y", 0.1)]),
        ({"max_error": 0.12}, [("y", 0.12)]),
        # The caller's own bound may be below what the mode usually keeps within.
        ({"max_error": 0.005}, [("x", 0.005), ("y", 0.005)]),
        ({"accuracy": [OutputAccuracy("y", 0.1, 20.0, None)]}, []),
        ({"kept": [f"MUL {REASON}"]}, []),
        ({"samples": None}, []),
        ({"mode": "dynamic", "io": "float32"}, []),
    ],
)
def test_the_cause_of_a_poor_result_is_looked_for(looked_into, options, names):
    assert looked_into(**options) == (CAUSE if names else None, names)


def test_a_refusal_says_what_brings_it_about(monkeypatch):
    monkeypatch.setattr(quantization, "worst_tensors", lambda *_: ["ADD 'a'"])
    one = quantization._Subject(None, SAMPLES, SAMPLES.held_out, None)

    def text(cause, rewriting=True, max_error=0.1):
        candidate = Candidate("a", None, [], rewriting=object() if rewriting else None)
        config = QuantizationConfig("int8", "int8", max_error=max_error)
        with pytest.raises(ParityError) as e:
            quantization._require_accuracy(POOR, candidate, one, config, cause)
        return str(e.value)

    assert "; the error enters at ADD 'a'; inputs are coarse. Make them fine" in text(CAUSE)
    plain = "Give calibration samples as the model sees them; or take a finer mode"
    assert f"; the error enters at ADD 'a'. {plain}" in text(None)
    assert f"'y' 15 %. {plain}" in text(None, rewriting=False)
    config = QuantizationConfig("int8", "int8", max_error=0.2)
    quantization._require_accuracy(POOR, Candidate("a", None, []), one, config, CAUSE)


def parts_tried(monkeypatch, errors, target=LITERT, chunk=None):
    """Two parts, "a" and "b", of trials with an error each; gives the choice and what was made."""
    made = []

    def finalize(parts, made_for):
        made.append(([p.entry.signature for p in parts], made_for.name))
        return _file(b"x", 50)

    def measure(reference, data, held_out, others, *, signature, states=()):
        error = errors[signature].pop(0)
        return (), (SimpleNamespace(rms_error=error, argmax_agreement=None, fed_back=None),)

    def candidates(model, config, samples, streamed, states):
        return iter(
            [
                Candidate(name, _Stub(name), [], chunk=chunk and _Stub("chunk"))
                for name in ("t1", "t2")
            ]
        )

    monkeypatch.setattr(quantization, "candidates", candidates)
    monkeypatch.setattr(quantization, "measure_samples", measure)
    monkeypatch.setattr(quantization, "largest_file", lambda models: 100.0)
    monkeypatch.setattr(quantization, "weights_a_step", lambda model: 0)
    monkeypatch.setattr(quantization, "finalize", finalize)
    monkeypatch.setattr(
        quantization,
        "_stream_part",
        lambda part, chunk, model, details: Part(part.entry, model, {}),
    )
    taken = [
        quantization._Subject(
            Part(SimpleNamespace(signature=key), None, {"own": key}), SAMPLES, [], None
        )
        for key in "ab"
    ]
    if chunk:
        stream = Part(SimpleNamespace(signature="stream"), None, {})
        taken[0] = replace(taken[0], streamed=(stream, chunk))
    best, records = quantization._best(taken, ORDER, target)
    return best, records, made


def test_a_trial_is_as_good_as_its_worst_part(monkeypatch):
    best, records, _ = parts_tried(monkeypatch, {"a": [0.001, 0.01], "b": [0.9, 0.02]})
    assert best.trial == "t2"
    assert [r.error for r in records] == [0.9, 0.02]


def test_parts_say_how_they_are_quantized_beside_what_they_said(monkeypatch):
    best, _, made = parts_tried(monkeypatch, {"a": [0.001], "b": [0.001]})
    assert [p.details for p in best.content.parts] == [
        {"own": key, "quantize": "int8", "io": "int8"} for key in "ab"
    ]
    assert made == [(["a", "b"], "litert")]


def test_the_function_of_a_chunk_is_the_last_part(monkeypatch):
    best, _, made = parts_tried(monkeypatch, {"a": [0.001], "b": [0.001]}, chunk="chunk")
    assert made == [(["a", "b", "stream"], "litert")]
    assert [c.recipe for c in best.content.candidates] == ["t1", "t1"]


def test_a_target_of_one_signature_gets_the_chunk_alone(monkeypatch):
    """The whole is measured by LiteRT; the file for the target holds the chunk's function."""
    _, _, made = parts_tried(monkeypatch, {"a": [0.001], "b": [0.001]}, MICRO, chunk="chunk")
    assert made == [(["a", "b", "stream"], "litert"), (["stream"], "tflite-micro")]


def test_a_trial_that_the_target_does_not_run_is_passed_over(monkeypatch):
    calls = []

    def measured(*args, **options):
        return (), (SimpleNamespace(rms_error=0.01, argmax_agreement=None, fed_back=None),)

    def finalize(parts, target):
        calls.append(parts[0].model.found)
        if len(calls) == 1:
            raise UnsupportedError("the target lacks EXP")
        return _file(b"x", 1)

    monkeypatch.setattr(
        quantization,
        "candidates",
        lambda *_: iter([Candidate(name, _Stub(name), []) for name in ("t1", "t2")]),
    )
    monkeypatch.setattr(quantization, "measure_samples", measured)
    monkeypatch.setattr(quantization, "largest_file", lambda models: 100.0)
    monkeypatch.setattr(quantization, "weights_a_step", lambda model: 0)
    monkeypatch.setattr(quantization, "finalize", finalize)
    part = Part(SimpleNamespace(signature="a"), None, {})
    best, records = quantization._best([quantization._Subject(part, None, [], None)], ORDER, MICRO)
    assert (best.trial, calls) == ("t2", ["t1", "t2"])
    assert [r.verdict for r in records] == ["the target lacks EXP", "taken"]
