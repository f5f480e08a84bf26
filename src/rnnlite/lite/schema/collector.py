"""Pause Python's cyclic garbage collector while many objects are made.

What enters: nothing. What leaves: a context in which the collector is off; afterwards it is as it
was. A model has thousands of tables, and few of them are in cycles. With TensorFlow imported, each
full collection visits half a million further objects, in some 0.5 s.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Pause the collector. Contexts may be nested, and be in several threads."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
