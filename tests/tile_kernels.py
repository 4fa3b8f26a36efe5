"""Kernels for the tests of tiles, in a module so that workers find them: they note each call, sleep, and kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def gaussian(X, Y=None):
    """A kernel whose every call is noted in the file $CALLS, if there is one, and takes $PAUSE seconds."""
    if "CALLS" in os.environ:
        with open(os.environ["CALLS"], "a") as file:
            file.write(f"{len(X)} {0 if Y is None else len(Y)}\n")
    time.sleep(float(os.environ.get("PAUSE", 0)))
    Y = X if Y is None else Y
    return np.exp(-np.sum((X[:, None] - Y[None]) ** 2, axis=-1))


class KillsItsWorker:
    """A kernel that kills the process that calls it, but not ``parent``, as long as there are files in a folder.

    Otherwise it is the function ``values``.
    """

    def __init__(self, parent, folder, values=gaussian):
        self.parent = parent
        self.folder = str(folder)
        self.values = values

    def evaluate(self, X, Y=None):
        if os.getpid() != self.parent:
            for mark in sorted(Path(self.folder).iterdir()):
                mark.unlink(missing_ok=True)
                os.kill(os.getpid(), signal.SIGKILL)
        return self.values(X, Y)


def with_median(X, Y=None):
    """A kernel whose entries depend on the other samples of the call: its width is the median of their norms."""
    width = np.median(np.sum(X**2, axis=1))
    return gaussian(X / width, (X if Y is None else Y) / width)


def one_sided(X, Y=None):
    """A kernel that is not symmetric."""
    Y = X if Y is None else Y
    return X[:, :1] - 2 * Y[:, 0]


def in_a_process_of_its_own(function, *arguments):
    """Call a function of a module of tests; what a process that holds all other tests forks takes minutes to begin."""
    code = f"import {function.__module__} as test; test.{function.__name__}(*{arguments!r})"
    paths = os.pathsep.join(path for path in sys.path if path)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300, env={**os.environ, "PYTHONPATH": paths})
