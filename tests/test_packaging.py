"""What is released: wheel and source archive, installed into a clean environment and used."""

import ast
import json
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tomllib

import rnnlite

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def run(*command, **options):
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """dist/, built of what is under version control: not of what lies about here."""
    pytest.importorskip("build")
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    files = run("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard")
    for name in files.splitlines():
        if name.startswith(("src/", "README", "LICENSE", "pyproject")) and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes((ROOT / name).read_bytes())
    # What builds stands here already, and another build beside this one is not disturbed.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, tree)
    return out


@pytest.mark.long
def test_what_is_built_is_whole(built):
    wheel, archive = next(built.glob("*.whl")), next(built.glob("*.tar.gz"))
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, archive)
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("rnnlite/")}
    package = ROOT / "src"
    modules = {str(p.relative_to(package)) for p in (package / "rnnlite").rglob("*.py")}
    assert modules | {"rnnlite/py.typed"} <= inside
    assert any(name.endswith("/LICENSE") for name in zipfile.ZipFile(wheel).namelist())
    with tarfile.open(archive) as held:
        packed = {name.split("/", 1)[1] for name in held.getnames() if "/" in name}
    assert {"pyproject.toml", "README.md", "LICENSE", "src/rnnlite/api.py"} <= packed


@pytest.mark.long
def test_a_clean_environment_runs_a_file(built, exits, exits_model, sequences, tmp_path):
    """Of the wheel and what it depends on alone: no TensorFlow."""
    home = tmp_path / "clean"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", next(built.glob("*.whl")))
    exits.save(tmp_path / "m.tflite")
    np.savez(tmp_path / "s.npz", *sequences)
    command = [home / "bin" / "rnnlite", "predict", "m.tflite", "s.npz", "-o", "out.npz"]
    run(*command, cwd=tmp_path)
    shown = json.loads(run(home / "bin" / "rnnlite", "inspect", "m.tflite", "--json", cwd=tmp_path))
    assert shown["inputs"][0]["name"] == "frames"
    with np.load(tmp_path / "out.npz") as found:
        assert len(found.files) > 0
    code = "import sys, rnnlite; print(rnnlite.__version__, 'tensorflow' in sys.modules)"
    assert run(python, "-c", code).split() == [rnnlite.__version__, "False"]
    exits_model.save(tmp_path / "m.keras")
    refused = subprocess.run(
        [home / "bin" / "rnnlite", "convert", "m.keras", "-o", "n.tflite"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert refused.returncode == 1
    assert "rnnlite[convert]" in refused.stderr


def test_the_version_stands_once():
    assert re.fullmatch(r"\d+\.\d+\.\d+", rnnlite.__version__)
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## {re.escape(rnnlite.__version__)} ", changelog, re.M)


def test_every_import_of_an_extra_is_named_in_one():
    """A package that the code imports is a dependency, or stands in an extra."""
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    named = [text for texts in lists for text in texts]
    known = {re.split(r"[^\w.-]", text)[0].replace("-", "_").lower() for text in named}
    modules = {"absl": "ai_edge_litert", "flatbuffers": "ai_edge_litert", "google": "tensorflow"}
    imported = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    imported = {modules.get(name, name) for name in imported}
    outside = imported - sys.stdlib_module_names - {"rnnlite"}
    assert outside <= known | {"click", "typing_extensions"}, outside - known


def test_the_container_installs_extras_that_there_are():
    text = (ROOT / "Dockerfile").read_text()
    extras = re.findall(r"EXTRAS=([\w,-]+)", text)
    assert extras
    for given in extras:
        assert set(given.split(",")) <= set(PROJECT["optional-dependencies"])
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M):
        for name in line.split():
            assert (ROOT / name).exists(), name
    assert 'ENTRYPOINT ["rnnlite"]' in text
