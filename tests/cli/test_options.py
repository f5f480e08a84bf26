"""How the texts of options are read, and what is wrong usage."""

import pytest
import typer

from rnnlite.cli.options import calibration_data, numbers, pairs, size, steps, with_any


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (["--streaming"], ["--streaming", "any"]),
        (["--streaming", "4"], ["--streaming", "4"]),
        (["--streaming", "any"], ["--streaming", "any"]),
        (["--streaming", "-1"], ["--streaming", "-1"]),
        (["--streaming", "--json"], ["--streaming", "any", "--json"]),
        (["--streaming", "m.keras"], ["--streaming", "any", "m.keras"]),
        (["m.keras", "-o", "x"], ["m.keras", "-o", "x"]),
    ],
)
def test_an_option_that_may_stand_alone(args, found):
    assert with_any("--streaming", args) == found


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (steps, None, False),
        (steps, "any", True),
        (steps, "1", 1),
        (steps, "16", 16),
        (size, "auto", "auto"),
        (size, "any", None),
        (size, "12", 12),
        (numbers, "10", [10]),
        (numbers, "10, 100,1000", [10, 100, 1000]),
        (pairs, None, {}),
        (pairs, [], {}),
        (pairs, ["a=b", "c=d=e"], {"a": "b", "c": "d=e"}),
        (pairs, ["a=b", "a=c"], {"a": "c"}),
    ],
)
def test_texts(read, text, value):
    found = read(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (steps, "0", "expected any, or a number of steps of 1 or more; got '0'"),
        (steps, "-2", "expected any, or a number of steps of 1 or more; got '-2'"),
        (steps, "1.5", "expected any, or a number of steps of 1 or more; got '1.5'"),
        # A digit that is no number.
        (steps, "\u00b2", "expected any, or a number of steps of 1 or more; got '\u00b2'"),
        (size, "\u00b2", "expected auto, any, or a number of 1 or more; got '\u00b2'"),
        (numbers, "1,\u00b2", "expected numbers of 1 or more with commas; got '1,\u00b2'"),
        (size, "0", "expected auto, any, or a number of 1 or more; got '0'"),
        (size, "", "expected auto, any, or a number of 1 or more; got ''"),
        (size, "None", "expected auto, any, or a number of 1 or more; got 'None'"),
        (numbers, "", "expected numbers of 1 or more with commas; got ''"),
        (numbers, "1,,2", "expected numbers of 1 or more with commas; got '1,,2'"),
        (numbers, "1,0", "expected numbers of 1 or more with commas; got '1,0'"),
        (numbers, "1,b", "expected numbers of 1 or more with commas; got '1,b'"),
        (pairs, ["a"], "expected NAME=VALUE; got 'a'"),
        (pairs, ["a="], "expected NAME=VALUE; got 'a='"),
        (pairs, ["a=b", "=c"], "expected NAME=VALUE; got '=c'"),
    ],
)
def test_texts_that_are_wrong_usage(read, text, message):
    with pytest.raises(typer.BadParameter) as found:
        read(text)
    assert str(found.value) == message


def test_calibration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b.npz").touch()
    assert calibration_data(None) is None
    assert calibration_data([]) is None
    assert str(calibration_data(["x.npz"])) == "x.npz"
    assert str(calibration_data(["a=b.npz"])) == "a=b.npz", "a file of that name is there"
    found = calibration_data(["encode=x.npz", "decode=y.npz"])
    assert {k: str(v) for k, v in found.items()} == {"encode": "x.npz", "decode": "y.npz"}
    with pytest.raises(typer.BadParameter, match=r"expected NAME=VALUE; got 'y\.npz'"):
        calibration_data(["encode=x.npz", "y.npz"])
