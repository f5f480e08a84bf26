"""True TensorFlow 1.15 graphs convert and give what TensorFlow 1.15 gave."""

import pytest
from artefacts import FOLDER, NAMES, error

import rnnlite

UNREAD = {
    "greedy_decoder": "decoder",
    "attention_decoder": "decoder",
    "raw_rnn": "rnn",
    "while_until_converged": "while",
    "while_numbers": "while",
    "scan_reverse": "scan",
    "training_decoder": "decoder",
}
"""Loops whose end depends on data: kept as loops, and the note says which and why."""

ENCODED = ("greedy_decoder", "attention_decoder")
"""Of these, the ones behind a recurrence that is read."""

WITHOUT_LOOP = ("static_rnn", "static_bidirectional_lengths")


@pytest.mark.parametrize("name", NAMES)
def test_a_frozen_graph_matches(name):
    converted = rnnlite.convert(FOLDER / f"{name}.pb")
    assert converted.report.parity.within
    assert not rnnlite.inspect(converted.tflite).custom_ops
    assert error(converted, name) < 1e-5
    kept = [n for n in converted.report.notes if "kept as a plain loop" in n]
    assert len(kept) == (name in UNREAD)
    assert all(f"'{UNREAD[name]}/while" in n or f"'{UNREAD[name]}/" in n for n in kept)
    scans = len(converted.report.recurrences)
    assert (scans == 0) == (name in WITHOUT_LOOP or (name in UNREAD and name not in ENCODED))


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES[::2])
def test_the_same_with_a_free_batch(name):
    converted = rnnlite.convert(FOLDER / f"{name}.pb", batch_size=None, verify=False)
    assert error(converted, name) < 1e-5
