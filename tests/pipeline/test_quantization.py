"""Candidates are finished and measured in order, no further than needed; all are stood in for."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from rnnlite.errors import ParityError, UnsupportedError
from rnnlite.pipeline import quantization
from rnnlite.pipeline.pass_order import File, Part
from rnnlite.quantization.calibration import Samples
from rnnlite.quantization.config import QuantizationConfig
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


@pytest.fixture
def refused(monkeypatch):
    """The text of a refusal beyond the largest error; what stands for the measures is given."""

    def run(mode="int8", io="int8", kept=(), curved="", unlike="", samples=SAMPLES, error=0.5):
        asked = []
        monkeypatch.setattr(quantization, "worst_tensors", lambda *_: ["ADD 'a'"])
        monkeypatch.setattr(quantization, "curved_front", lambda model: curved)
        monkeypatch.setattr(
            quantization,
            "unlike_features",
            lambda used, inputs, dtype, states: asked.append(dtype) or unlike,
        )
        part = SimpleNamespace(entry=SimpleNamespace(signature="a", inputs=()), model=None)
        one = quantization._Subject(part, samples, SAMPLES.held_out, None)
        config = QuantizationConfig(mode, io, max_error=0.1)
        accuracy = [OutputAccuracy("y", error, 6.0, None)]
        rewriting = object() if config.integer else None
        candidate = Candidate("a", None, [], kept=list(kept), rewriting=rewriting)
        try:
            quantization._require_accuracy(accuracy, candidate, one, config)
        except ParityError as e:
            return str(e), asked
        return None, asked

    return run


def test_what_is_good_enough_is_not_looked_into(refused):
    assert refused(error=0.1, unlike="features are of unlike scale") == (None, [])


PLAIN = "Give calibration samples as the model sees them; or take a finer mode"


@pytest.mark.parametrize(
    ("options", "cause", "remedy"),
    [
        ({}, "; the error enters at ADD 'a'.", PLAIN),
        ({"unlike": "feature 3 is small"}, "; feature 3 is small.", quantization.WIDER),
        (
            {"mode": "int16x8", "io": "int16", "unlike": "feature 3 is small"},
            "; feature 3 is small.",
            quantization.SCALED,
        ),
        (
            {"curved": "x is squared"},
            "; the error enters at ADD 'a'; x is squared.",
            quantization.UNSCALED,
        ),
        # The front is computed in float already: its inputs are no cause.
        ({"io": "float32", "curved": "x is squared"}, "; the error enters at ADD 'a'.", PLAIN),
        (
            {"io": "float32", "curved": "x is squared", "unlike": "feature 3 is small"},
            "; feature 3 is small.",
            quantization.SCALED,
        ),
        (
            {"kept": [f"EXP {REASON}"], "curved": "x is squared", "unlike": "feature 3 is small"},
            "; the error enters at ADD 'a'.",
            PLAIN,
        ),
        ({"samples": None, "unlike": "feature 3 is small"}, "found 'y' 50 %.", PLAIN),
        ({"mode": "dynamic", "io": "float32", "unlike": "x"}, "found 'y' 50 %.", PLAIN),
    ],
)
def test_a_refusal_says_what_is_known_to_bring_it_about(refused, options, cause, remedy):
    text, _ = refused(**options)
    assert f"{cause} {remedy}" in text


@pytest.mark.parametrize(("mode", "dtype"), [("int8", "int8"), ("int16x8", "int16")])
def test_features_are_looked_at_in_the_type_of_the_input(refused, mode, dtype):
    assert refused(mode=mode, io="float32")[1] == [dtype]


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
