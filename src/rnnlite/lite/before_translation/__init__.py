"""Rewrite TensorFlow ops that the official converter refuses into ops that it takes.

What enters: the TensorFlow function of an entry. What leaves: an equal one. `rewrite` has the
function to call; it edits loop bodies too (`bodies`). Each other module has the rule for one kind
of op.
"""
