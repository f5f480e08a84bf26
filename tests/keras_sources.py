"""Keras models as functions: one trace for all lengths, where predict traces each anew."""

import tensorflow as tf


def traced(model, features):
    """The function of (B, T, features), any B and T."""
    return tf.function(model, input_signature=[tf.TensorSpec([None, None, features])])
