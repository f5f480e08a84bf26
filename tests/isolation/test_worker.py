"""What a worker does, message by message, as a process of its own without `Worker`."""

import io
import subprocess
import sys
from pathlib import Path

from rnnlite.isolation.messages import receive, send

CODE = f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}; "
CODE += "from rnnlite.isolation.worker import main; main()"


def answers(*messages):
    """What a worker answers, and what it writes to standard error."""
    pipe = io.BytesIO()
    for message in messages:
        send(pipe, message)
    done = subprocess.run(
        [sys.executable, "-c", CODE], input=pipe.getvalue(), capture_output=True, check=True
    )
    found, output = [], io.BytesIO(done.stdout)
    while True:
        try:
            found.append(receive(output))
        except EOFError:
            return found, done.stderr.decode()


def test_calls_are_answered_in_order():
    found, log = answers(
        ("workers:double", (21,)),
        # To be loaded ahead: no answer, whether it can be or not.
        ("workers", None),
        ("no_such_module", None),
        ("workers:refuse", ()),
        ("workers:fail", ()),
        ("no_such_module:f", ()),
        ("workers:no_such_function", ()),
        ("workers:shout", ()),
        ("workers:double", ("a",)),
    )
    assert [kind for kind, _ in found] == [
        "done",
        "refused",
        "failed",
        "failed",
        "failed",
        "done",
        "done",
    ]
    assert found[0] == ("done", 42)
    assert found[1][1] == {
        "kind": "ShapeError",
        "what": "input 'x' has no axis",
        "expected": "one",
        "found": "none",
        "remedy": "Add it",
    }
    assert "nothing there" in found[2][1]
    assert "No module named 'no_such_module'" in found[3][1]
    assert "no_such_function" in found[4][1]
    assert found[6] == ("done", "aa")
    assert log.count("No module named 'no_such_module'") == 1
    assert "to standard output" in log


def test_it_ends_with_its_input():
    assert answers()[0] == []
