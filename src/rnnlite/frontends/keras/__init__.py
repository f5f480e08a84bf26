"""Keras 3 and Keras 2 (tf_keras) models, live or from a file."""
