"""What the official converter does not look through: a maximum with the lowest number. NumPy alone.

What enters and leaves: a number alone, by which both sides know the op.

Where sizes are known it puts a factor, or a row that is added, into the kernel and bias of the
product behind it; where they are not, as in the function of the whole sequence, it cannot. In
integers the two would round otherwise. So the function of a chunk has such maxima in front of its
recurrences (`timed.kept_apart`), and `lite.passes.barriers` takes them out again.
"""

from __future__ import annotations

import numpy as np

LOWEST = float(np.finfo(np.float32).min)
"""The least float32."""
