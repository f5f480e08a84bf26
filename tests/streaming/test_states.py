"""States of a stream: names of their own, in the order in which they are met."""

import pytest
import tensorflow as tf

from rnnlite.streaming.states import State, States


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def test_names_are_unique():
    states = States()
    names = [states.take("lstm", "h", [1, 4], tf.float32)[0] for _ in range(3)]
    names.append(states.take("lstm", "c", [1, 4], tf.float32)[0])
    assert names == ["state/lstm/h", "state/lstm/h_2", "state/lstm/h_3", "state/lstm/c"]


def test_a_name_that_is_taken_already_is_not_given_again():
    states = States()
    assert states.take("lstm", "h_2", [1], tf.float32)[0] == "state/lstm/h_2"
    states.take("lstm", "h", [1], tf.float32)
    assert states.take("lstm", "h", [1], tf.float32)[0] == "state/lstm/h_3"


def test_what_is_met_is_noted():
    states = States()
    _, tensor = states.take("conv", "rows", [None, 2], tf.float32, initial=-1.0)
    states.take("stream", "steps", [1], tf.int32, batch_axis=None)
    assert states.met == [
        State("state/conv/rows", (None, 2), "float32", -1.0, 0),
        State("state/stream/steps", (1,), "int32", 0.0, None),
    ]
    assert tensor.op.type == "Placeholder"
    assert tensor.shape.as_list() == [None, 2]


def test_the_second_emission_takes_what_is_given_in_order():
    given = [tf.zeros([1]), tf.ones([1])]
    states = States(given)
    found = [states.take("a", name, [1], tf.float32)[1] for name in "xy"]
    assert all(a is b for a, b in zip(found, given, strict=True))


def test_new_states_stand_in_the_order_of_the_old_ones():
    states = States()
    names = [states.take("a", name, [1], tf.float32)[0] for name in "xyz"]
    for name in reversed(names):
        states.give(name, f"new {name}")
    assert states.after() == [f"new {name}" for name in names]


def test_a_state_that_is_not_given_on_is_an_error():
    states = States()
    states.take("a", "x", [1], tf.float32)
    with pytest.raises(KeyError, match="state/a/x"):
        states.after()
