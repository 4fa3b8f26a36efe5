"""Runs things at the same time in threads and waits for them, so that a hang is a failing test."""

import threading
import time

SECONDS = 60


def in_threads(*asks, seconds=SECONDS):
    """Call functions at the same time; return what each returned, or the exception that it raised.

    Raises:
        AssertionError: If some have not ended after ``seconds``.
    """
    start, ends = threading.Barrier(len(asks)), [None] * len(asks)

    def call(place, ask):
        start.wait(seconds)
        try:
            ends[place] = ask()
        except BaseException as error:
            ends[place] = error

    threads = [threading.Thread(target=call, args=item, daemon=True) for item in enumerate(asks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    hanging = sum(thread.is_alive() for thread in threads)
    assert not hanging, f"{hanging} of {len(asks)} threads hang"
    return ends


def until(condition, seconds=2 * SECONDS):
    """Wait until something is so; an ``AssertionError`` if it takes longer than ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
