"""Old and new runtimes from PyPI, each in a folder of its own under `.matrix`.

What enters: a `Runtime`. What leaves: how to start Python with it, or why it cannot be had here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / ".matrix"
"""Where packages are kept; not committed."""

TFLITE = "tflite-runtime"
LITERT = "ai-edge-litert"
NEEDED = {
    TFLITE: ("numpy<2",),
    LITERT: (
        "numpy<2",
        "flatbuffers",
        "backports.strenum",
        "tqdm",
        "typing-extensions",
        "protobuf",
    ),
}
"""What the packages import, whatever they say they do."""


class Missing(Exception):  # noqa: N818 - a fact of this machine, not a fault
    """A runtime that cannot be had here, and why."""


@dataclass(frozen=True)
class Runtime:
    """One package in one version.

    Attributes:
        release: as `rnnlite.lite.releases` calls it; runtimes that load the same share a release.
        package, version: on PyPI.
        pythons: versions of Python that it has wheels for, the preferred one first.
    """

    release: str
    package: str
    version: str
    pythons: tuple[str, ...]

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.package} {self.version}"


def _tflite(minor: int, patch: int = 0) -> Runtime:
    return Runtime(f"TFLite 2.{minor}", TFLITE, f"2.{minor}.{patch}", ("3.9",))


def _litert(release: str, version: str) -> Runtime:
    return Runtime(f"LiteRT {release}", LITERT, version, ("3.10", "3.11", "3.12"))


RUNTIMES: tuple[Runtime, ...] = (
    _tflite(9, 1),
    *(_tflite(minor) for minor in range(10, 15)),
    _litert("1.0", "1.0.1"),
    _litert("1.1", "1.1.2"),
    _litert("1.2", "1.2.0"),
    _litert("1.3", "1.3.0"),
    _litert("1.3", "1.4.0"),
    _litert("2.0", "2.0.3"),
    _litert("2.1", "2.1.0"),
    _litert("2.1", "2.1.1"),
    _litert("2.1.2", "2.1.2"),
    _litert("2.1.3", "2.1.3"),
    _litert("2.1.6", "2.1.6"),
    _litert("2.2", "2.2.0"),
    _litert("2.2", "2.3.0"),
)
"""In order of age."""


def oldest_of(release: str) -> Runtime:
    """The first runtime of a release."""
    return next(r for r in RUNTIMES if r.release == release)


@cache
def interpreter_of(version: str) -> str | None:
    """A Python of this version: on the path, or of pyenv."""
    found = shutil.which(f"python{version}")
    # A shim of pyenv is there for versions that are not chosen, and only says so.
    if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
        return found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    versions = sorted(root.glob(f"{version}.*/bin/python"))
    return str(versions[-1]) if versions else None


def python_with(runtime: Runtime) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of a Python with the runtime; installs it the first time.

    Raises:
        Missing: there is no such Python, or the package cannot be installed.
    """
    for version in runtime.pythons:
        python = interpreter_of(version)
        if python is not None:
            folders = [
                _installed(
                    python,
                    FOLDER / f"{runtime.package}-{runtime.version}-{version}",
                    (f"{runtime.package}=={runtime.version}",),
                ),
                _installed(
                    python, FOLDER / f"needed-{runtime.package}-{version}", NEEDED[runtime.package]
                ),
            ]
            path = os.pathsep.join(map(str, folders))
            return [python], {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    raise Missing(f"{runtime.name}: no Python {' or '.join(runtime.pythons)} here")


def _installed(python: str, folder: Path, packages: tuple[str, ...]) -> Path:
    if (folder / "done").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    flags = ["--quiet", "--disable-pip-version-check", "--target", str(folder)]
    if not packages[0].startswith("numpy"):
        flags.append("--no-deps")
    command = [python, "-m", "pip", "install", *flags, *packages]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        raise Missing(f"{packages[0]}: {lines[-1] if lines else 'pip failed'}")
    (folder / "done").touch()
    return folder
