"""What a Program says of its inputs."""

import pytest

from rnnlite.errors import FrontEndError
from rnnlite.frontends.program import Entry, Program, type_notes, with_lengths
from rnnlite.lengths.lengths import Lengths, Steps
from rnnlite.lengths.sizes import Axis, free
from rnnlite.specs import TensorSpec

FRAMES = TensorSpec("frames", (1, None, 3), "float32")
FLAG = TensorSpec("flag", (), "bool", batch_axis=None)


def test_lengths_say_which_axis_is_time():
    steps = Steps(free(Axis(0, 1)), 1, ())
    frames, flag = with_lengths([FRAMES, FLAG], Lengths(axes=(Axis(0, 1),), steps=(steps,)))
    assert (frames.time_axis, flag.time_axis) == (1, None)
    assert (frames.least, flag.least) == ((), ())


def entry(signature, inputs=()):
    return Entry("test", inputs, (), None, list, lambda a, s: list, (), signature=signature)


def test_a_program_has_a_function_for_each_signature():
    assert Program.of(entry("a")).main.signature == "a"
    assert Program("test", (entry("b"), entry("a"))).main.signature == "b"
    with pytest.raises(FrontEndError, match=r"test has no Program; .* found 'a', 'a'"):
        Program("test", (entry("a"), entry("a")))
    with pytest.raises(FrontEndError, match="found no entry"):
        Program("test", ())


def test_an_entry_reads_off_what_values_mean():
    ids = TensorSpec("ids", (1, None), "int32", ids=(0, 9))
    frames = TensorSpec("frames", (1, None, 3), "float32", mask_value=-1.0)
    found = entry("a", (ids, frames, FLAG))
    assert (found.id_ranges, found.mask_values) == ({"ids": (0, 9)}, {"frames": -1.0})


def test_notes_on_types():
    taken = TensorSpec("ids", (1, None), "int32")
    declared = TensorSpec("ids", (1, None), "float32")
    assert type_notes([declared, FRAMES], [taken, FRAMES]) == [
        "input 'ids' takes token ids: int32 in place of float32 (predict takes whole numbers as "
        "floats too)"
    ]
