"""A command that native code ends gives one message and status 1."""

import subprocess
import sys

import pytest


def run(body):
    code = f"import os, signal, sys\nfrom rnnlite.isolation.guard import guarded\n{body}"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("status", [0, 1, 2])
def test_the_exit_status_is_the_commands_own(status):
    done = run(f"guarded(lambda: sys.exit({status}), 'rnnlite')")
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_an_abort_is_one_message():
    done = run("guarded(os.abort, 'rnnlite')")
    assert done.returncode == 1
    assert done.stderr == (
        "rnnlite: native code ended the process; found signal 6 (SIGABRT). The LiteRT model is "
        "damaged, or not made for this runtime: convert or download it again.\n"
    )


def test_a_command_that_runs_out_of_memory_is_told():
    done = run("guarded(lambda: os.kill(os.getpid(), signal.SIGKILL), 'rnnlite')")
    assert done.returncode == 1
    assert done.stderr.startswith("rnnlite: the process was killed; found signal 9")
