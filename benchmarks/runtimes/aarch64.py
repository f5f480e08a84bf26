"""Files on aarch64, under qemu-user.

What enters: a `Runtime`. What leaves: how to start a Python for aarch64 with it, as of `wheels`.
Needed are `qemu-aarch64` (Debian's package qemu-user) and apt-get: that Python is unpacked from
Debian's packages into `.matrix`, and the machine's own packages and lists stay as they are. Where
something is not there, `Missing` says what.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from runtimes.models import CASES, Case
from runtimes.wheels import FOLDER, LITERT, NEEDED, Missing, Runtime

RUNTIME = Runtime("LiteRT 1.3", LITERT, "1.4.0", ("3.11",))
"""Newer ones end under qemu when an interpreter is made (2.3.0 does)."""

PLACE = FOLDER / "aarch64"
DEBS = (
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"),
    *("libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8", "libbz2-1.0"),
    *("liblzma5", "libssl3", "libuuid1"),
)
KINDS = (
    *("lstm", "gru sequence", "bidirectional sequence", "masked sequence", "conv"),
    *("stream", "stream of single steps", "two functions"),
)
PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_17_aarch64")


def cases() -> list[Case]:
    """A few kinds, at fewer lengths: qemu is slow. Borders are integers where the mode has them."""
    chosen = [c for c in CASES if c.name in KINDS]
    return [replace(c, lengths=(17, 1, 64, 5, 100, 17)) for c in chosen]


@cache
def python_with(runtime: Runtime) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of a Python for aarch64 with the runtime.

    Raises:
        Missing: qemu is not here, or a package cannot be had.
    """
    qemu, apt = shutil.which("qemu-aarch64"), shutil.which("apt-get")
    if qemu is None:
        raise Missing("aarch64: no qemu-aarch64 here (Debian's qemu-user)")
    if not (PLACE / "done").exists():
        if apt is None:
            raise Missing("aarch64: no apt-get here, for a Python to run under qemu")
        shutil.rmtree(PLACE, ignore_errors=True)
        _unpack(apt)
        _install(runtime)
        (PLACE / "done").touch()
    root = PLACE / "root"
    command = [qemu, "-L", str(root), str(root / "usr" / "bin" / "python3.11")]
    site = {"PYTHONPATH": str(PLACE / "site"), "OMP_NUM_THREADS": "1"}
    return command, {**os.environ, **site}


def _unpack(apt: str) -> None:
    """Debian's packages for arm64, by lists of our own: the machine's stay as they are."""
    lists, debs = PLACE / "lists", PLACE / "debs"
    for folder in (lists / "partial", debs, PLACE / "cache"):
        folder.mkdir(parents=True)
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "root",
        "Dir::State::Lists": lists,
        "Dir::State::status": "/dev/null",
        "Dir::Cache": PLACE / "cache",
    }
    flags = [f"-o{name}={value}" for name, value in options.items()]
    _call([apt, *flags, "update"], debs)
    _call([apt, *flags, "download", *DEBS], debs)
    for package in sorted(debs.glob("*.deb")):
        _call(["dpkg-deb", "-x", str(package), str(PLACE / "root")], debs)


def _install(runtime: Runtime) -> None:
    flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    flags += [f"--platform={platform}" for platform in PLATFORMS]
    flags += ["--python-version=3.11", "--target", str(PLACE / "site")]
    packages = [f"{runtime.package}=={runtime.version}", *NEEDED[runtime.package]]
    _call([sys.executable, "-m", "pip", "install", *flags, *packages], PLACE)


def _call(command: Sequence[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["failed"]
        raise Missing(f"aarch64: {Path(command[0]).name}: {lines[-1]}")
