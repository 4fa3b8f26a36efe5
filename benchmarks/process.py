"""Our end of the line to a worker process."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

from benchmarks.contenders import Contender

ROOT = Path(__file__).resolve().parent.parent

_START_SECONDS = 300.0  # importing TensorFlow for the first time on a cold disk


class WorkerError(Exception):
    """A worker died, hung, or said that something went wrong."""


class Worker:
    """A peer in a process of its own.

    Args:
        contender: Who runs in it.
        environments: The folder of the virtual environments; without one the peer runs in this interpreter.
        patience: Seconds to wait for an answer before the process is ended.

    Attributes:
        absent: Why the peer cannot run, empty if it can.
        versions: The versions of its packages.
    """

    def __init__(self, contender: Contender, environments: Path, patience: float):
        self.patience = patience
        self.versions: dict[str, str] = {}
        self.absent = ""
        self._options = contender.options
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        python = interpreter(contender.environment, environments)
        self._process = subprocess.Popen(
            [str(python), "-m", "benchmarks.worker", contender.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            env=_environment(own=str(python) == sys.executable),
            text=True,
            encoding="utf-8",
        )
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            hello = self._answer(max(patience, _START_SECONDS))
        except WorkerError as error:
            self.absent = str(error)
            return
        self.absent = hello.get("absent", "")
        self.versions = hello.get("versions", {})

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Raises:
            WorkerError: The peer raised an error, died, or did not answer in time.
        """
        if "case" in request:
            request["case"] = {**request["case"], **self._options}
        assert self._process.stdin is not None
        if self._process.stdin.closed:
            raise WorkerError("the process was ended")
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(f"the process ended: {self._last_words()}") from None
        answer = self._answer(self.patience)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    @property
    def ended(self) -> bool:
        """Whether a worker that once ran has died since."""
        return not self.absent and self._process.poll() is not None

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None and not stream.closed:
                with contextlib.suppress(BrokenPipeError):  # flushing to a process that is gone
                    stream.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def _answer(self, patience: float) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=patience)
        except queue.Empty:
            self._process.kill()
            raise WorkerError(f"no answer within {patience:g} s") from None
        if not line:
            raise WorkerError(f"the process ended: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self._process.returncode}"


def interpreter(environment: str | None, folder: Path) -> Path:
    """The Python of an environment, or this one if there is none."""
    if environment is not None:
        for place in ("bin/python", "Scripts/python.exe"):
            if (folder / environment / place).exists():
                return (folder / environment / place).absolute()
    return Path(sys.executable)


def _environment(*, own: bool) -> dict[str, str]:
    """The variables of a worker: the BLAS chooses its own kernels, for peers and us alike."""
    variables = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    if not own:
        variables.pop("PYTHONPATH", None)  # belongs to another interpreter
    # TensorFlow Quantum needs the Keras of its time, and neither of them needs to say what it found.
    return {**variables, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONUNBUFFERED": "1"}
