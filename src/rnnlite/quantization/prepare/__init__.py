"""Rewrite ops and constants that integers hold badly, while all is still float.

What enters: a float `Model`, changed in place. What leaves: an equal one, up to rounding, and what
integers are to know of it.
"""
