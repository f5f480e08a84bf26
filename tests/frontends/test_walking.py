"""All the ops behind the results of a function, each once."""

import tensorflow as tf

from rnnlite.frontends.walking import ops_behind


def test_functions_that_are_called_are_walked_and_what_is_not_read_is_left():
    @tf.function
    def run(x):
        tf.exp(x)
        y = tf.while_loop(lambda k, y: k < 3, lambda k, y: (k + 1, tf.tanh(y)), [0, x])[1]
        z = tf.sqrt(y)
        return z + z

    graph = run.get_concrete_function(tf.TensorSpec([2])).graph
    kinds = [op.type for op in ops_behind(graph, graph.outputs)]
    assert "Tanh" in kinds
    assert "Exp" not in kinds
    assert kinds.count("Sqrt") == 1
