"""Processes to kill, suspend and put into containers: one process imports everything once, its forks do the work.

``Nursery`` is the tests' side; ``python -m runtime_server.nursery`` is the process that forks. It starts no thread and
runs no circuit, so that its forks are as good as new processes.
"""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

_TESTS = Path(__file__).parents[1]


class Nursery:
    """Starts processes for the tests and ends them all with itself; a context manager.

    Args:
        folder: Where they write what they have to say.
        inside: A command that starts another one in a container, if they shall live in one.
    """

    def __init__(self, folder, inside=()):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._inside = list(inside)
        self._count = 0
        self.children = []

    def __enter__(self):
        environment = {**os.environ, "PYTHONPATH": f"{_TESTS}{os.pathsep}{_TESTS.parent}", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [*self._inside, sys.executable, "-m", "runtime_server.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self.ask("hello")
        return self

    def __exit__(self, *error):
        self.clear()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def ask(self, what, **settings):
        """Send a command to the forking process and return its answer."""
        self._process.stdin.write(json.dumps({"what": what, **settings}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the process that forks ended"
        return json.loads(line)

    def start(self, task, server, **spec):
        """Start a task of ``runtime_server.tasks`` in a process of its own."""
        self._count += 1
        spec = {name: str(value) if isinstance(value, Path) else value for name, value in spec.items()}
        spec |= {"task": task, "environment": server.environment, "answer": str(self.folder / f"{self._count}.json")}
        child = Child(self, self.ask("fork", spec=spec), Path(spec["answer"]))
        self.children.append(child)
        return child

    def clear(self):
        """Kill all processes that live."""
        for child in self.children:
            child.signal(signal.SIGKILL)
        self.children = []


class Child:
    """A process at work."""

    def __init__(self, nursery, pid, answer):
        self._nursery, self.pid, self.file = nursery, pid, answer

    def signal(self, number):
        """Send a signal, if the process lives."""
        self._nursery.ask("signal", pid=self.pid, number=int(number))

    def lives(self):
        """Tell whether the process lives; a suspended one does."""
        return bool(self._nursery.ask("state", pid=self.pid))

    def kill(self):
        """Send SIGKILL and wait for the end."""
        self.signal(signal.SIGKILL)
        while self.lives():
            time.sleep(0.005)

    def suspend(self, journal):
        """Stop the process, threads and all, at a moment when it is not writing to its journal.

        Whoever is stopped while it holds a file's lock holds up everybody else, and no program can help that.
        """
        while True:
            self.signal(signal.SIGSTOP)
            while not self._is_stopped():
                time.sleep(0.005)
            if _is_free(journal):
                return
            self.signal(signal.SIGCONT)
            time.sleep(0.02)

    def _is_stopped(self):
        return self._nursery.ask("state", pid=self.pid) == "T"

    def go_on(self):
        """Let a suspended process go on."""
        self.signal(signal.SIGCONT)

    def result(self, seconds=60):
        """Wait for the answer of the task; see ``runtime_server.tasks``."""
        end = time.monotonic() + seconds
        while self.lives():
            if time.monotonic() > end:
                raise TimeoutError(f"No answer in {seconds} s. {self.log()}")
            time.sleep(0.01)
        assert self.file.exists(), self.log()
        return json.loads(self.file.read_text())

    def log(self):
        """Return what the process printed."""
        return self.file.with_suffix(".log").read_text()


def container():
    """Return the command that starts another in a PID namespace of its own with the host's name, and why not."""
    flags = ["--pid", "--fork", "--mount-proc", "--kill-child"]
    for extra in ([], ["--user", "--map-root-user"]):
        command = ["unshare", *extra, *flags]
        try:
            done = subprocess.run([*command, "true"], capture_output=True, text=True, timeout=20)
        except OSError as error:
            return None, str(error)
        if done.returncode == 0:
            return command, ""
    return None, done.stderr.strip()


def _is_free(journal):
    database = sqlite3.connect(journal, timeout=0, isolation_level=None)
    try:
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        database.close()
    return True


def _fork(spec):
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 1
    try:
        answer = Path(spec["answer"])
        log = os.open(answer.with_suffix(".log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(spec.pop("environment"))
        from runtime_server import tasks

        part = answer.with_suffix(".part")
        part.write_text(json.dumps(tasks.run(**spec)))
        part.replace(answer)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
    return 0


def _state(pid):
    """Return the letter of a process's state, such as T for stopped; nothing for one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0].replace("Z", "").replace("X", "")
    except OSError:
        return ""


def _signal(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def main():
    """Fork and signal as told, one command a line, until the tests go away."""
    import runtime_server.client  # noqa: F401
    from runtime_server import clock, tasks  # noqa: F401

    import qiskit_qml_ext.circuits
    import qiskit_qml_ext.kernels  # noqa: F401

    clock.install()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    for line in sys.stdin:
        command = json.loads(line)
        what = command.pop("what")
        reply = True
        if what == "fork":
            reply = _fork(**command)
        elif what == "signal":
            _signal(**command)
        elif what == "state":
            reply = _state(**command)
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
