"""Calls that may never return, given up after a time."""

import math
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class TimedCalls:
    """Asks the service things that change nothing, each within a time.

    Args:
        seconds: The longest time for a question.
        answered: Called after each answer.
        altogether: The longest time for all questions, from now on.
    """

    def __init__(self, seconds: float, answered: Callable[[], None], *, altogether: float = math.inf):
        self._seconds = seconds
        self._end = time.monotonic() + altogether
        self._answered = answered

    def __call__(self, call: Callable[[], T], seconds: float | None = None) -> T:
        """Return the answer to a question; raises ``TimeoutError`` if it does not come in time."""
        seconds = self._seconds if seconds is None else seconds
        answer = within(min(seconds, max(0.0, self._end - time.monotonic())), call)
        self._answered()
        return answer


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return what ``call`` returns, or give up waiting for it.

    The call goes on in a daemon thread, for a blocked read of a socket cannot be interrupted; its late result is
    dropped. So only calls may come here that change nothing.

    Raises:
        TimeoutError: If it takes longer than ``seconds``.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(call())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work, name="qiskit-qml-ext call", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"No answer within {seconds:g} s.")
    if failure:
        raise failure[0]
    return outcome[0]
