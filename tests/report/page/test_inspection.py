"""The page of a file that was run."""

import rnnlite
from rnnlite.report.page.inspection import inspection_page


def test_page(exits, timings, memory, require_readable):
    found = rnnlite.inspect(exits.tflite)
    page = inspection_page(found, "exits.tflite", timings=timings, memory=memory)
    assert "3 ms" in page
    assert "median at 100 steps" in page
    assert "forward_lstm" in page
    assert found.tensors[0].name in page
    require_readable(bench=page)
