"""Random loops of TensorFlow 1 and 2: each converts, and gives what TensorFlow gives.

No conversion error is caught: a refusal fails the test. RNNLITE_EXAMPLES=200 draws more.
"""

import itertools
import os
import random

import loop_graphs
import numpy as np
import pytest
from hypothesis import given, settings

import rnnlite

EXAMPLES = max(int(os.environ.get("RNNLITE_EXAMPLES", "16")) // 4, 1)
LENGTHS = (1, 2, 5, 13)
SCANS = ("while", "for", "map", "dynamic_rnn")
"""Ways to write a loop that are read as recurrences, unless the loop may end early."""


def check(draw, folder):
    """Convert a draw, and compare at several lengths, from short to long and back."""
    definition, outputs = loop_graphs.build(draw)
    path = folder / "graph.pb"
    path.write_bytes(definition.SerializeToString())
    converted = rnnlite.convert(path, outputs=outputs, verify=False)
    model = rnnlite.load(converted.tflite)
    with loop_graphs.session(definition) as run:
        for length in (*LENGTHS, LENGTHS[1]):
            x = np.random.default_rng(length).normal(size=(1, length, loop_graphs.FEATURES))
            x = x.astype(np.float32)
            for found, wanted in zip(model.run([x]), run(outputs, x), strict=True):
                assert found.shape == wanted.shape
                np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-5)
    plain = [n for n in converted.report.notes if "is kept as a plain loop: " in n]
    leaves_early = draw["exit"] and draw["written"] == "while"
    if leaves_early:
        assert any("its condition compares more than a counter" in n for n in plain)
    elif draw["written"] in SCANS:
        assert len(converted.report.recurrences) == 1
        assert not plain


@pytest.mark.parametrize("control_flow", [1, 2])
@pytest.mark.parametrize("written", sorted(loop_graphs.BUILDERS))
def test_each_way_to_write_a_loop(tmp_path, written, control_flow):
    rng = random.Random(f"{written} {control_flow}")
    draw = loop_graphs.loops(lambda values: rng.choice(list(values)))
    check({**draw, "written": written, "control_flow": control_flow}, tmp_path)


READS = ("t", "t - 1", "reversed", "both", "x[t]", "x[t - 1]")
WAYS = [
    {"reads": r, "control_flow": c, "bound": b, "exit": e}
    for r, c, (b, e) in zip(
        (*READS, "slice"),
        itertools.cycle((1, 2)),
        itertools.cycle((("least", False), ("two counters", False), ("length", True))),
        strict=False,
    )
]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_each_read_and_bound(tmp_path, way):
    plain = {"seed": 1, "written": "while", "states": 2, "cell": "product", "masked": True}
    check({**plain, "writes": "two", "start": 2, **way}, tmp_path)


@pytest.mark.long
@settings(max_examples=EXAMPLES, deadline=None)
@given(draw=loop_graphs.draws())
def test_random_loops(tmp_path_factory, draw):
    check(draw, tmp_path_factory.mktemp("loop"))


@pytest.mark.parametrize("reads", READS)
def test_what_is_read_at_another_step_leaves_the_loop(tmp_path, reads):
    """Its product with the kernel is made over all time steps."""
    plain = {"seed": 1, "written": "while", "states": 1, "cell": "parts", "masked": False}
    rest = {"writes": "nothing", "start": 0, "bound": "length", "exit": False, "control_flow": 2}
    definition, outputs = loop_graphs.build({**plain, **rest, "reads": reads})
    (tmp_path / "graph.pb").write_bytes(definition.SerializeToString())
    converted = rnnlite.convert(tmp_path / "graph.pb", outputs=outputs, verify=False)
    assert [r["hoisted"] for r in converted.report.recurrences] == [True]
