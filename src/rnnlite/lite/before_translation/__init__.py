"""Ops of TensorFlow that the official converter refuses, put as ones that it takes.

What enters: the TensorFlow function of an entry. What leaves: an equal one. `rewrite` is the whole;
it edits loop bodies too (`bodies`). Each other module has the rule for one kind of op.
"""
