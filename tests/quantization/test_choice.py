"""Which of several measured models is taken. All in numbers: no model is made."""

import logging

import pytest

from rnnlite.errors import InternalError
from rnnlite.quantization.choice import GAIN, Choice, Measured


def offered(errors, mode="int8", max_error=0.25, weights_a_step=0, classifies=False):
    """The trial taken and what became of each, trials called by their numbers."""
    choice = Choice(mode, max_error, weights_a_step)
    for number, error in enumerate(errors):
        choice.offer(Measured(str(number), error, 1000 + number, None))
        if choice.done(classifies=classifies):
            break
    best, records = choice.result()
    return best.trial, [r.verdict for r in records]


def test_the_first_that_is_good_enough():
    assert offered([0.019, 0.001]) == ("0", ["taken"])
    assert offered([0.03, 0.019, 0.001]) == ("1", ["1 is clearly better", "taken"])


def test_a_finer_one_has_to_be_better_by_a_clear_margin():
    assert offered([0.05, 0.05 * GAIN]) == ("0", ["taken", "not clearly better than 0"])
    assert offered([0.05, 0.049 * GAIN])[0] == "1"


def test_the_first_to_be_accepted_needs_no_margin():
    assert offered([0.26, 0.25])[0] == "1"
    assert offered([0.27, 0.26])[0] == "0"


def test_the_first_within_what_is_usual_needs_no_margin():
    """10 % of int8: what is accepted beyond is for models that no precision does better."""
    assert offered([0.11, 0.095])[0] == "1"
    assert offered([0.12, 0.11])[0] == "0"
    assert offered([0.11, 0.095], max_error=0.05)[0] == "0"


@pytest.mark.parametrize(
    ("weights", "classifies", "tried"),
    [(3 * 32**2 - 1, False, 2), (3 * 32**2, False, 1), (3 * 32**2, True, 2), (1 << 17, True, 1)],
)
def test_large_steps_are_refined_less(weights, classifies, tried):
    _, verdicts = offered([0.05, 0.001], weights_a_step=weights, classifies=classifies)
    assert len(verdicts) == tried


@pytest.mark.parametrize(
    ("figures", "taken"),
    [
        pytest.param([(0.015, 0.4), (0.014, 0.05)], "1", id="steadier"),
        pytest.param([(0.015, 0.4), (0.016, 0.05)], "0", id="steadier, but worse at each call"),
        pytest.param([(0.015, 0.4), (0.014, 0.39)], "0", id="no steadier"),
        pytest.param([(0.015, 0.09), (0.014, 0.01)], "0", id="steady enough"),
    ],
)
def test_a_model_whose_states_run_away_is_refined(figures, taken):
    """It is within 2 % at each call, from states that are given."""
    choice = Choice("int8", 0.25)
    for number, (error, fed_back) in enumerate(figures):
        choice.offer(Measured(str(number), error, 1000, None, fed_back))
        if choice.done(classifies=False):
            break
    assert choice.result()[0].trial == taken


def test_no_mode_is_content_with_more_than_is_accepted():
    assert offered([0.019, 0.009], max_error=0.01)[0] == "1"
    assert offered([0.005], mode="float16", max_error=0.01) == ("0", ["taken"])
    # Dynamic models have one limit, however large.
    assert offered([0.05, 0.001], mode="dynamic", weights_a_step=1 << 20)[0] == "1"


def test_what_gave_no_model_is_in_the_record_and_the_log(caplog):
    caplog.set_level(logging.INFO, "rnnlite")
    choice = Choice("int8", 0.25)
    choice.reject("a", "CUMSUM has no kernel")
    with pytest.raises(InternalError, match="no precision for the mode"):
        choice.result()
    choice.offer(Measured("b", 0.3, 2000, "content"))
    assert not choice.acceptable
    choice.reject("c", "file larger than 1,500 bytes", 3000)
    best, records = choice.result()
    assert best.content == "content"
    assert [(r.name, r.error, r.size, r.verdict) for r in records] == [
        ("a", None, None, "CUMSUM has no kernel"),
        ("b", 0.3, 2000, "taken"),
        ("c", None, 3000, "file larger than 1,500 bytes"),
    ]
    assert [r.getMessage() for r in caplog.records] == [
        "trial 'a': CUMSUM has no kernel",
        "trial 'b': off by 30 %, 2,000 bytes, the best so far",
        "trial 'c': 3,000 bytes, file larger than 1,500 bytes",
    ]
