"""What no factor or row is taken through: a maximum with the lowest number. NumPy alone.

What enters and leaves: a number alone, by which both sides know the op.

A factor in front of a product, or a row that is added, is put into its kernel and bias: by the
official converter where it knows the sizes, else by `lite.passes.folding`. Inputs of a recurrence
are projected for all steps, or in a loop, or at once where there is one step: the function of a
chunk and that of the whole sequence would have other kernels. So both have such maxima in front of
their recurrences (`tensors.kept_apart`), and `lite.passes.barriers` takes them out again.
"""

from __future__ import annotations

import numpy as np

LOWEST = float(np.finfo(np.float32).min)
"""The least float32."""
