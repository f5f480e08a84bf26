"""Numbers: how the resource variables that hold rows of a sequence are merged.

What enters: nothing. What leaves: constants. The cost model uses them before a loop is lowered, and
so does the pass that keeps rows in variables (`lite/passes/variables.py`).
"""

FAN = 16
"""How many variables are read and joined at once."""

MAX_LEVELS = 3
"""The most levels of variables, that of the loop's own rows included."""

FEW = 4
"""A sequence of at most so many chunks is not merged: it does not pay."""
