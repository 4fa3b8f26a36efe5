"""Calls that never return: they are given up, and a program that ends meanwhile ends at once and quietly."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from qiskit_qml_ext.primitives.journal.service.timed_calls import TimedCalls, within

TESTS = Path(__file__).parents[3]

_ENDS_WHILE_CALLS_HANG = """
import socket, sys, threading, time
from qiskit.primitives import StatevectorSampler
from runtime_server.work import rotation
from qiskit_qml_ext.primitives import JournaledSampler, Policy
from qiskit_qml_ext.primitives.journal.service.timed_calls import within

def silent_service():
    listener = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(listener.getsockname()).recv(1)

def fails_late():
    time.sleep(0.2)
    raise RuntimeError("too late for anybody to care")

class Hanging(StatevectorSampler):
    def run(self, pubs, *, shots=None):
        threading.Event().wait()

for call in (silent_service, threading.Event().wait, fails_late):
    try:
        within(0.1, call)
    except TimeoutError as error:
        print(error)
job = JournaledSampler(Hanging(), sys.argv[1]).run([(rotation(), [0.0], 10)])
try:
    job.result(0.5)
except TimeoutError as error:
    print(error)
"""


def test_program_that_ends_while_calls_hang_ends_at_once_and_quietly(path):
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", _ENDS_WHILE_CALLS_HANG, str(path)],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        *["No answer within 0.1 s."] * 3,
        "The result is not there after 0.5 s. The run goes on; ask again.",
    ]


def test_answer_error_and_silence_are_told_apart():
    assert within(5, lambda: 7) == 7
    with pytest.raises(KeyError):
        within(5, lambda: {}["nothing"])
    hanging = threading.Event()
    with pytest.raises(TimeoutError, match=r"No answer within 0\.05 s"):
        within(0.05, hanging.wait)
    hanging.set()


def test_every_answer_is_noted_and_silence_is_not():
    answers, hanging = [], threading.Event()
    ask = TimedCalls(0.05, lambda: answers.append(1))
    assert ask(lambda: 7) == 7
    with pytest.raises(TimeoutError):
        ask(hanging.wait)
    hanging.set()
    assert ask(lambda: time.sleep(0.1) or 8, seconds=20) == 8
    assert len(answers) == 2
