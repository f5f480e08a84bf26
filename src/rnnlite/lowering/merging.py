"""How variables of the runtime that hold rows of a sequence are merged, in numbers.

What enters and leaves: numbers alone, read where they are needed.

The cost model counts with them before a loop is lowered; the pass that keeps rows in variables
(`lite/passes/variables.py`) builds by them. They are stated once, here.
"""

FAN = 16
"""Variables that are read and joined at once."""

MAX_LEVELS = 3
"""Levels of variables, that of the loop's own rows included."""

FEW = 4
"""Chunks of a sequence up to which merging its variables does not pay."""
