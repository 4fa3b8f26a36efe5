"""Two copies of a journal that do the same at the same time: the worst cases, made certain."""

import threading
from collections import Counter

from qiskit_qml_ext.primitives.journal.service.services import RuntimeService


def let_submissions_meet(monkeypatch, *, first=None):
    """Let two programs submit at once: each has looked for the other's jobs before, and both have submitted after.

    Args:
        monkeypatch: Pytest's.
        first: How many submissions of each program are meant; by default all.
    """
    barrier, original, made = threading.Barrier(2), RuntimeService.submit, Counter()

    def submit(self, *arguments, **settings):
        made[threading.get_ident()] += 1
        if first is not None and made[threading.get_ident()] > first:
            return original(self, *arguments, **settings)
        barrier.wait(60)
        try:
            return original(self, *arguments, **settings)
        finally:
            barrier.wait(60)

    monkeypatch.setattr(RuntimeService, "submit", submit)


def agree_on_no_older(monkeypatch):
    """Let no copy take its job back for an older one of the other."""
    monkeypatch.setattr("qiskit_qml_ext.primitives.journal.run.reconcile.is_older", lambda job, other: False)
