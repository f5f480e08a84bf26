"""A command that native code ends gives one message and status 1."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


def run(body):
    code = f"import os, signal, sys\nfrom rnnlite.isolation.guard import run_guarded\n{body}"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("status", [0, 1, 2])
def test_the_exit_status_is_the_commands_own(status):
    done = run(f"run_guarded(lambda: sys.exit({status}), 'rnnlite')")
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_an_abort_is_one_message():
    done = run("run_guarded(os.abort, 'rnnlite')")
    assert done.returncode == 1
    assert done.stderr == (
        "rnnlite: native code ended the process; found signal 6 (SIGABRT). The LiteRT model is "
        "damaged, or not made for this runtime: convert or download it again.\n"
    )


def test_a_command_that_runs_out_of_memory_is_told():
    done = run("run_guarded(lambda: os.kill(os.getpid(), signal.SIGKILL), 'rnnlite')")
    assert done.returncode == 1
    assert done.stderr.startswith("rnnlite: the process was killed; found signal 9")


def test_a_command_ends_with_its_parent(tmp_path):
    """A killed run goes on in nobody: its lock is free for the next."""
    code = """
import os, sys, time
from pathlib import Path
from rnnlite.isolation.guard import run_guarded

def run():
    Path(sys.argv[1]).write_text(str(os.getpid()))
    time.sleep(60)

run_guarded(run, "rnnlite")
"""
    written = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", code, str(written)])
    until(lambda: written.exists() and written.read_text())
    child = int(written.read_text())
    parent.kill()
    parent.wait()
    until(lambda: is_dead(child))


@pytest.mark.parametrize("to_child", [False, True], ids=["parent", "both"])
def test_an_interrupt_reaches_the_command_once(tmp_path, to_child):
    """`kill -INT` interrupts the parent alone, a terminal both: there is one interrupt, one end."""
    code = """
import os, sys, time
from pathlib import Path
from rnnlite.isolation.guard import run_guarded

def run():
    try:
        Path(sys.argv[1]).write_text(str(os.getpid()))
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(0.3)  # What a second interrupt would end.
        print("cleaned up", flush=True)
        sys.exit(1)

run_guarded(run, "rnnlite")
"""
    written = tmp_path / "pid"
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(written)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests may run where interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until(lambda: written.exists() and written.read_text())
    if to_child:
        os.kill(int(written.read_text()), signal.SIGINT)
    parent.send_signal(signal.SIGINT)
    out, err = parent.communicate(timeout=20)
    assert (parent.returncode, out, err) == (1, "cleaned up\n", "")


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_dead(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z"
