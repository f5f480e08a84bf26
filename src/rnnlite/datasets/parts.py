"""The unfinished results of a run, in parts on disk, so that it can go on where it stopped.

What enters: results of rows in order, by output. What leaves: parts on disk, and in the end the
file OUT.

The folder OUT.unfinished, beside OUT, holds what the run was asked for (`run.json`), a lock, and
parts named by their rows. Each part is written to a temporary file and renamed. OUT is made last,
from all parts, and renamed too. So a part is complete or absent, and so is OUT.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from rnnlite.datasets.results import Columns, Format, refusing_write
from rnnlite.errors import OutputError
from rnnlite.lite.files import write_whole

NAME = re.compile(r"rows-(\d+)-(\d+)\.part")
GO_ON = "The parts that are there are kept: the same call with resume (--resume) goes on"


class Parts:
    """The parts of one run's results. Its `with` block holds the lock.

    Args:
        out: the file to make.
        form: its format.
        asked: what decides the results: model, data, options. A run goes on only if they are the
            same.
        resume: go on with the parts that are there.

    Raises:
        OutputError: another run writes to `out`; there are parts, but `resume` is False, or they
            are of another run; or the folder cannot be written.
    """

    def __init__(
        self, out: Path, form: Format, asked: Mapping[str, Any], *, resume: bool = False
    ) -> None:
        self._out = out
        self._form = form
        self._asked = json.loads(json.dumps(asked))
        self._resume = resume
        self._folder = out.parent / f"{out.name}.unfinished"
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Parts:
        with refusing_write(self._out):
            self._folder.mkdir(exist_ok=True)
            self._take_lock()
        try:
            self._begin()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._leave()
        if isinstance(error, KeyboardInterrupt) and self._folder.is_dir():
            error.args = (GO_ON,)

    def _leave(self) -> None:
        """Release the lock; delete the folder if no row is done."""
        if self._folder.is_dir() and not self.done():
            shutil.rmtree(self._folder, ignore_errors=True)
        self._give_lock_back()

    def _begin(self) -> None:
        done = self.done() if (self._folder / "run.json").exists() else 0
        if done and not self._resume:
            raise OutputError(
                f"an earlier run has left '{self._folder}'",
                found=f"{done} rows done",
                remedy="Say resume (--resume) to go on with it, or delete the folder",
            )
        if done:
            self._require_same()
        else:
            for stale in self._folder.glob("*.part"):
                stale.unlink()
            write_whole(self._folder / "run.json", json.dumps(self._asked, indent=1).encode())

    def _require_same(self) -> None:
        try:
            before = json.loads((self._folder / "run.json").read_text())
        except (OSError, ValueError):
            before = {}
        known = before if isinstance(before, dict) else {}
        odd = [k for k in self._asked if known.get(k) != self._asked[k]]
        if odd:
            raise OutputError(
                f"the run that left '{self._folder}' was asked for something else",
                expected=f"the same {', '.join(odd)}",
                remedy="Delete the folder to begin anew",
            )

    def done(self) -> int:
        """Number of rows in parts, from row 0 on without a gap."""
        return self._whole()[1]

    def _whole(self) -> tuple[list[Path], int]:
        parts: dict[int, tuple[int, Path]] = {}
        for path in self._folder.iterdir():
            match = NAME.fullmatch(path.name)
            if match:
                parts[int(match[1])] = int(match[2]), path
        found, row = [], 0
        while row in parts:
            row, path = parts[row]
            found.append(path)
        return found, row

    def add(self, columns: Columns, first: int, count: int) -> None:
        """Write a part.

        Args:
            columns: name of an output -> one array for each row.
            first: index of the first row.
            count: number of rows.

        Raises:
            OutputError: it cannot be written, e.g. because the disk is full.
        """
        name = f"rows-{first:012d}-{first + count:012d}.part"
        try:
            write_whole(self._folder / name, self._form.part(columns, first))
        except OutputError as e:
            raise OutputError(e.what, remedy=GO_ON) from e

    def finish(self) -> None:
        """Make `out` from all parts, and delete the folder.

        Raises:
            OutputError: it cannot be written.
        """
        parts, _ = self._whole()
        beside = self._folder / "whole"
        with refusing_write(self._out, GO_ON):
            self._form.join(parts, beside)
            with open(beside, "rb") as file:
                os.fsync(file.fileno())
            os.replace(beside, self._out)
            shutil.rmtree(self._folder)

    def _take_lock(self) -> None:
        lock = open(self._folder / "lock", "wb")  # noqa: SIM115 - held until the run ends
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # No POSIX: nothing keeps two runs apart.
            pass
        except BlockingIOError:
            lock.close()
            raise OutputError(
                f"another run is writing '{self._out}'",
                remedy="Wait for it, or give another output",
            ) from None
        self._lock = lock

    def _give_lock_back(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None
