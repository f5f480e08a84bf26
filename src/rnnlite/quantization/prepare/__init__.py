"""Rewrite ops and constants that integers hold badly, while all is still float.

What enters: a float `Model`, changed in place. What leaves: a model that computes the same, up to
rounding, and the ops of it that are to compute in int16.
"""
