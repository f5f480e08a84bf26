"""The reader of loops knows no dialect: it imports neither TensorFlow nor a front end."""

import ast
import subprocess
import sys
from pathlib import Path

import rnnlite.loops

FOLDER = Path(rnnlite.loops.__file__).parent
ALLOWED = (
    "rnnlite.errors",
    "rnnlite.loops",
    "rnnlite.scan.scan",
    "rnnlite.scan.tensors",
    "numpy",
)


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_what_is_imported():
    for path in sorted(FOLDER.glob("*.py")):
        for name in imported(path):
            known = name.split(".")[0] in sys.stdlib_module_names
            assert known or name.startswith(ALLOWED), f"{path.name} imports {name}"


def test_tensorflow_is_not_needed():
    code = "import sys, rnnlite.loops; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
