"""How the package is laid out: who may import whom, who tests what, how large, how typed.

Each rule has a table of what does not keep it yet, with the reason, and a test that the table
holds nothing that does.
"""

import ast
import statistics

import pytest

from source_code import TESTS, circles, imports, lengths, modules, parameters

ROOMS = (
    "errors",
    "_version",
    "slicing",
    "specs",
    "lite.releases",
    "target",
    "lite.files",
    "report",
    "scan",
    "loops",
    "lowering",
    "lengths",
    "frontends",
    "streaming",
    # What starts a process knows of nothing that runs there.
    ("isolation.messages", "isolation.worker", "isolation.process"),
    ("isolation.converter", "isolation.native"),
    "lite",
    "lite.passes",
    "lite.translate",
    "runtime",
    "datasets",
    "evaluation",
    "ray",
    "snippets",
    "isolation",
    "viewing",
    "quantization",
    # What runs there, called by name alone, may use everything that is made there.
    "isolation.held",
    "parity",
    "stream_parity",
    "pipeline",
    "api",
    "",
    "cli",
    "__main__",
)
"""Rooms in order: a module imports its own room and those before it. A folder's modules belong to
the room with the longest name that fits."""

UPWARD: dict[tuple[str, str], str] = {}
"""Imports of a later room: (module, what it imports) -> why."""

CIRCLES: dict[frozenset[str], str] = {}
"""Modules that import each other -> why."""

COVERED: dict[str, str] = {
    "lowering.barriers": "lowering/test_tensors.py",
    "__main__": "cli/test_main.py",
    "ray": "datasets/test_cluster.py",
    "_version": "test_public_api.py",
    "api": "test_public_api.py",
    "frontends.keras.frontend": "frontends/test_opening.py",
    "frontends.keras.types": "frontends/keras/test_private.py",
    "frontends.keras.tracing": "frontends/keras/test_patching.py",
    "frontends.onnx.tracing": "frontends/onnx/test_program.py",
    "frontends.tensorflow.frontend": "frontends/test_opening.py",
    "isolation.native": "isolation/test_process.py",
    "lite.schema.tables": "lite/test_schema.py",
    "lowering.loops": "scan/test_cells.py",
    "loops.nodes": "loops/test_scans.py",
    "loops.not_a_scan": "loops/test_reading.py",
    "lowering.merging": "lite/passes/test_sequences.py",
    "quantization.describing": "quantization/test_quantize.py",
    "quantization.preparing": "quantization/test_chunks.py",
    "streaming.twins": "quantization/plan/test_twins.py",
    "report.timings": "report/page/test_running.py",
    "scan.projection": "scan/test_products.py",
    "scan.protos": "frontends/tensorflow/test_entry.py",
}
"""Modules without a test file of their name -> the file that tests them."""

MISSING: set[str] = set()
"""Modules that no test names yet."""

UNSAID = {
    "": "the public names alone",
    "__main__": "a call of the command line",
    "_version": "a text",
}
"""Modules whose docstring does not say what enters and what leaves -> what they are instead."""

LARGE: dict[str, str] = {}
"""Modules over `MOST_LINES` -> why."""

LONG: dict[str, str] = {}
"""Functions over `MOST_LINES_OF_A_FUNCTION` -> why."""

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
"""Of code: a docstring may be as long as it has to."""
MEDIAN_LINES = 200
ANY_PERCENT = 4.0
"""Share of parameters that say `Any`. It may only fall: lower it when you can."""


def place_of(name):
    """The place of a module's room in `ROOMS`."""
    fitting = {}
    for place, room in enumerate(ROOMS):
        for prefix in room if isinstance(room, tuple) else (room,):
            if name == prefix or (prefix and name.startswith(f"{prefix}.")):
                fitting[prefix] = place
    assert fitting, f"the module '{name}' has no room: give it a place in ROOMS"
    return fitting[max(fitting, key=len)]


@pytest.fixture(scope="module")
def arrows():
    """What each module imports."""
    return {name: imports(source) for name, source in modules().items()}


@pytest.fixture(scope="module")
def upward(arrows):
    """Imports of a later room."""
    return {
        (name, target)
        for name, targets in arrows.items()
        for target in targets
        if place_of(target) > place_of(name)
    }


def test_rooms_import_earlier_rooms(upward):
    assert not upward - UPWARD.keys()


def test_listed_imports_are_there(upward):
    assert not UPWARD.keys() - upward
    assert all(UPWARD.values())


def test_every_module_has_a_room():
    for name in modules():
        assert 0 <= place_of(name) < len(ROOMS), name


def test_every_room_has_a_module():
    places = {place_of(name) for name in modules()}
    assert places == set(range(len(ROOMS)))


def test_no_circle(arrows):
    found = circles(arrows)
    assert not [sorted(c) for c in found - CIRCLES.keys()]


def test_listed_circles_are_there(arrows):
    assert not [sorted(c) for c in CIRCLES.keys() - circles(arrows)]


def test_what_a_circle_is():
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert circles(arrows) == {frozenset("abc"), frozenset("de")}


def mirror_of(name):
    """The test file of a module's name."""
    *folder, last = name.split(".")
    return TESTS.joinpath(*folder, f"test_{last}.py")


def with_code():
    """Modules that hold code: packages only where they define something."""
    return {name: s for name, s in modules().items() if s.defines or not s.is_package}


def test_every_module_has_its_tests():
    left = {name for name in with_code() if not mirror_of(name).exists()}
    assert not sorted(left - COVERED.keys() - MISSING)


def test_tables_of_tests_are_true():
    known = with_code()
    for name, path in COVERED.items():
        assert name in known, f"{name} is gone"
        assert not mirror_of(name).exists(), f"{name} has a test file of its own now"
        assert (TESTS / path).exists(), f"{path}, which is to test {name}, is gone"
    assert not sorted(name for name in MISSING if name not in known or mirror_of(name).exists())
    assert not MISSING & COVERED.keys()


def test_every_test_file_mirrors_something():
    """A test file in a folder of the package's name is called after a module there."""
    names = set(modules())
    for path in TESTS.rglob("test_*.py"):
        folder = path.parent.relative_to(TESTS).parts
        if not folder:
            continue
        name = ".".join((*folder, path.stem.removeprefix("test_")))
        assert name in names or name in TOPICS, f"{path.relative_to(TESTS)} tests no module"


TOPICS = {
    "frontends.detection": "what files are told by, in all front ends",
    "frontends.time_axes": "which axis of a Keras model is time",
    "frontends.tensorflow.artefacts": "graphs that TensorFlow 1.15 wrote",
    "frontends.tensorflow.reading": "what is read out of a graph's loops",
    "frontends.tensorflow.time_axes": "which axis of a graph's input is time",
    "frontends.tensorflow.loop_properties": "random loops of TensorFlow 1 and 2",
    "lite.growth": "files at every change of length",
    "loops.imports": "the reader of loops knows no dialect",
    "quantization.quantize": "whole models in four modes",
}
"""Test files that are called after a topic -> which."""


def test_topics_are_there():
    for name in TOPICS:
        assert mirror_of(name).exists(), name


def test_no_module_is_too_long():
    large = {name: s.lines for name, s in modules().items() if s.lines > MOST_LINES}
    assert not {name: lines for name, lines in large.items() if name not in LARGE}
    assert not LARGE.keys() - large.keys()


def test_modules_are_short():
    assert statistics.median(s.lines for s in with_code().values()) < MEDIAN_LINES


def says_what_passes(source):
    """Whether a docstring says what enters and what leaves, or that it has types alone."""
    text = " ".join((ast.get_docstring(source.tree) or "").split())
    leaves = "What leaves" in text or "What enters and leaves" in text
    return ("What enters" in text and leaves) or "Types alone" in text


def test_every_module_says_what_enters_and_what_leaves():
    silent = {name for name, s in modules().items() if not says_what_passes(s)}
    assert not sorted(silent - UNSAID.keys()), "say it in the docstring: What enters: ..."
    assert not sorted(UNSAID.keys() - silent)


def test_no_function_is_too_long():
    found = {}
    for source in modules().values():
        found |= lengths(source)
    long = {name: n for name, n in found.items() if n > MOST_LINES_OF_A_FUNCTION}
    assert not {name: n for name, n in long.items() if name not in LONG}
    assert not LONG.keys() - long.keys()


def test_lines_of_a_function():
    """The first line counts, and those of functions within; the docstring does not."""

    class Text:
        name = "room"
        tree = ast.parse(
            'class A:\n    def b(\n        self,\n    ):\n        """One\n\n        two.\n'
            '        """\n'
            "        def c():\n            pass\n\n        return c\n"
        )

    assert lengths(Text) == {"room.A.b": 7, "room.A.b.c": 2}


def test_parameters_are_typed():
    found = [a for source in modules().values() for a in parameters(source)]
    assert 100 * found.count("Any") / len(found) <= ANY_PERCENT
