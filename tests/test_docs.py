"""The code of the docs runs as it stands."""

import re
from pathlib import Path

import numpy as np

DOCS = Path(__file__).parents[1] / "docs"


def code(page):
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)


def test_writing_passes():
    blocks = code("writing_passes.md")
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "writing_passes.md", "exec"), names)
    np.testing.assert_array_equal(names["before"], [2.0, 4.0, 6.0])
