"""Barriers: a maximum with the lowest float32, which changes nothing. NumPy alone.

What enters: nothing. What leaves: the lowest number, by which whoever makes barriers and whoever
removes them know them.

A factor in front of a product, or a row that is added there, is folded into the kernel and the
bias: by the official converter where it knows the sizes, else by `lite.passes.folding`. Where it
folds depends on how inputs are projected: for all steps, in a loop, or for one step. So the
function of a chunk and that of the whole sequence would get different kernels. Both therefore have
barriers in front of their recurrences (`tensors.kept_apart`), through which nothing is folded.
`lite.passes.barriers` removes them.
"""

from __future__ import annotations

import numpy as np

LOWEST = float(np.finfo(np.float32).min)
"""The least float32."""
