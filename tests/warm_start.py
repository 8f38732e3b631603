"""Processes for the tests that begin with the libraries loaded: a server forks them.

Loading Dagster, dbt and Great Expectations takes seven seconds of processor time, a tenth of a
small run, and the tests start dozens. A forked process has its own memory, environment, folder and
session; the project's own modules it loads itself, as they stand. What it shares with others of its
server is the order of Python's sets: tests that compare runs have one that was started as users do.
"""

from __future__ import annotations

import array
import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_LIBRARIES = (
    *("dagster", "dagster_dbt", "dbt.cli.main", "dbt.adapters.duckdb", "dbt.task.build"),
    *("great_expectations", "duckdb_sqlalchemy", "pandas", "typer"),
)


def run_module(
    module: str, *arguments: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m module`` to its end; what it said, and its exit code or minus its signal."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(str(_server()))
            streams = array.array("i", [out.fileno(), err.fileno()])
            server.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
            asked = [module, arguments, dict(environment)]
            server.sendall(json.dumps(asked).encode() + b"\n")
            code = server.makefile().readline()
            assert code, "the server of warm processes has died"
        for stream in (out, err):
            stream.seek(0)
        return subprocess.CompletedProcess(
            [module, *arguments], int(code), out.read().decode(), err.read().decode()
        )


@cache
def _server() -> Path:
    """Where this process's server listens; it ends with this process, by the end of its input."""
    folder = Path(tempfile.mkdtemp(prefix="warm"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address = folder / "socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.warm_start", str(address)],
        cwd=ROOT,
        env={**os.environ, "GX_ANALYTICS_ENABLED": "false"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(server.communicate)
    assert server.stdout
    assert server.stdout.readline(), "the server of warm processes does not start"
    return address


def _serve(address: str) -> None:
    """Fork a process for each that asks, until whoever started this one is gone."""
    for library in _LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    # Nobody asks after those that wait for the processes themselves.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while listening in select.select([listening, sys.stdin], [], [])[0]:
            asking, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _fork_and_wait(asking)
            asking.close()


def _fork_and_wait(asking: socket.socket) -> None:
    """Fork what was asked for and tell how it ended; returns to nobody."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size = array.array("i", [0, 0]).itemsize * 2
    _, ((_, _, sent),), _, _ = asking.recvmsg(1, socket.CMSG_SPACE(size))
    out, err = array.array("i", sent)
    module, arguments, environment = json.loads(asking.makefile().readline())
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        asking.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    asking.close()
    os.setsid()
    for stream, target in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(stream, target)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    os._exit(_run_to_the_end(module))


def _run_to_the_end(module: str) -> int:
    """Run a module and all that an ending interpreter runs, but for clearing its memory.

    That would touch, and so copy, what the server loaded, which takes two seconds.
    """
    code: object = None
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    _serve(sys.argv[1])
    # as those that it forked: nothing is left to be told
    os._exit(0)
