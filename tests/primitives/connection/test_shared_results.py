"""Threads that ask for the same share one result: nothing is computed twice, nobody waits for ever."""

import asyncio
import multiprocessing
import os
import pickle
import random
import signal
import threading
import time
import warnings

import pytest
from together import SECONDS, in_threads

from qiskit_qml_ext.primitives.connection.shared_results import SharedResults
from qiskit_qml_ext.primitives.forks import Lock


class Squares:
    """Computes squares and notes which; slowly, so that others come in between."""

    def __init__(self, seconds=0.05):
        self.shared = SharedResults()
        self.computed = []
        self.seconds = seconds

    def compute(self, keys):
        for key in keys:
            time.sleep(self.seconds)
            self.computed.append(key)
            yield {key: key * key}

    def of(self, keys):
        return self.shared.obtain("squares", list(keys), self.compute)


def test_eight_threads_compute_each_value_once():
    squares = Squares()
    for values in in_threads(*[lambda: squares.of([3, 1, 2, 3])] * 8):
        assert values == [9, 1, 4, 9]
    assert sorted(squares.computed) == [1, 2, 3]
    assert squares.of([2]) == [4]
    assert len(squares.computed) == 3


def test_what_is_known_is_not_computed_again():
    squares = Squares(0)
    assert squares.shared.unknown("squares", [2, 5, 2]) == [2, 5]
    assert squares.of([2, 4]) == [4, 16]
    assert squares.of([4, 5]) == [16, 25]
    assert squares.computed == [2, 4, 5]
    assert squares.shared.unknown("squares", [2, 5, 6]) == [6]
    assert squares.shared.unknown("others", [2]) == [2]
    assert squares.of([]) == []


def test_overlapping_sets_in_any_order_do_not_wait_for_each_other():
    squares, orders = Squares(0.0005), random.Random(1)
    wanted = [orders.sample(range(60), 40) for _ in range(8)]
    for keys, values in zip(wanted, in_threads(*[lambda keys=keys: squares.of(keys) for keys in wanted]), strict=True):
        assert values == [key * key for key in keys]
    assert sorted(squares.computed) == sorted({key for keys in wanted for key in keys})


def test_a_part_is_there_for_others_before_the_rest_is():
    shared, rest = SharedResults(), threading.Event()

    def compute(keys):
        yield {1: "one"}
        assert rest.wait(SECONDS)
        yield {2: "two"}

    def ask_for_part():
        while shared.unknown("table", [1]):
            time.sleep(0.001)
        try:
            return shared.obtain("table", [1], compute)
        finally:
            rest.set()

    assert in_threads(lambda: shared.obtain("table", [1, 2], compute), ask_for_part) == [["one", "two"], ["one"]]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_a_failure_one_of_those_who_wait_takes_over(kind):
    shared, calls = SharedResults(), []

    def compute(keys):
        calls.append(keys)
        yield {1: "first part"}
        time.sleep(0.05)
        if len(calls) == 1:
            raise kind("the first one fails")
        yield dict.fromkeys(keys, "value")

    ends = in_threads(*[lambda: shared.obtain("table", [1, 2, 3], compute)] * 8)
    assert sum(isinstance(end, kind) for end in ends) == 1
    assert sum(end == ["first part", "value", "value"] for end in ends) == 7
    assert calls == [[1, 2, 3], [2, 3]]  # what came before the failure is not computed again


def test_everybody_gets_an_error_of_its_own_where_all_fail():
    shared, running = SharedResults(), []

    def compute(keys):
        running.append(1)
        assert len(running) == 1, "two compute the same at once"
        time.sleep(0.01)
        running.pop()
        raise OSError("no device")

    ends = in_threads(*[lambda: shared.obtain("table", [1], compute)] * 8)
    assert all(isinstance(end, OSError) for end in ends)
    assert len({id(end) for end in ends}) == 8
    assert shared.unknown("table", [1]) == [1]


def test_a_result_that_does_not_come_is_an_error_and_no_hang():
    shared = SharedResults()
    with pytest.raises(RuntimeError, match="1 of 2 results did not come: 2"):
        shared.obtain("table", [1, 2], lambda keys: [{1: "one"}])
    assert shared.obtain("table", [1, 2], lambda keys: [{2: "two"}]) == ["one", "two"]


def test_a_thread_that_asks_for_what_it_computes_does_not_wait_for_itself():
    squares = Squares(0)

    def nested(keys):
        yield {key: squares.of([key, key + 1]) for key in keys}

    (value,) = in_threads(lambda: squares.shared.obtain("squares", [5], nested))
    assert value == [25]  # the value that was there first, for all
    assert squares.of([5, 6]) == [25, 36]


def test_threads_that_would_wait_for_each_other_do_not():
    shared, both = SharedResults(), threading.Barrier(3)

    def compute(then):
        def inner(keys):
            both.wait(SECONDS)
            yield {key: (key, shared.obtain("table", [then], lambda keys: [{then: "inner"}])[0]) for key in keys}

        return inner

    ends = in_threads(
        lambda: shared.obtain("table", ["a"], compute("b")),
        lambda: shared.obtain("table", ["b"], compute("c")),
        lambda: shared.obtain("table", ["c"], compute("a")),
    )
    assert not any(isinstance(end, BaseException) for end in ends)
    assert ends == [shared.obtain("table", [key], lambda keys: []) for key in "abc"]


def test_who_was_waited_for_and_is_done_waits_in_turn():
    """A thread that is about to wake up is not taken for one that would wait for ever: nothing is computed twice."""
    shared, computed, begun = SharedResults(), [], threading.Barrier(2)

    def make(key, then=None):
        def inner(keys):
            computed.append(key)
            if then is not None:
                begun.wait(SECONDS)
                shared.obtain("table", [then], make(then))
            time.sleep(0.05)
            yield {key: key}

        return inner

    def first_then_outer():
        def inner(keys):
            computed.append("inner")
            begun.wait(SECONDS)
            time.sleep(0.05)  # the other one waits for this by now
            yield {"inner": "inner"}
            assert shared.obtain("table", ["outer"], make("outer")) == ["outer"]

        return shared.obtain("table", ["inner"], inner)

    def outer():
        while "inner" not in computed:
            time.sleep(0.001)
        return shared.obtain("table", ["outer"], make("outer", "inner"))

    assert in_threads(first_then_outer, outer) == [["inner"], ["outer"]]
    assert sorted(computed) == ["inner", "outer"]


def test_claims_of_a_thread_that_ended_without_a_word_are_taken_over(monkeypatch):
    squares = Squares(0)

    def fail(keys):
        raise ValueError

    monkeypatch.setattr(squares.shared, "_give_up", lambda asking: None)
    in_threads(lambda: squares.shared.obtain("squares", [3], fail))
    monkeypatch.undo()
    assert in_threads(lambda: squares.of([3])) == [[9]]


def test_a_thread_that_failed_and_lives_on_holds_nothing():
    squares = Squares(0)

    def fail(keys):
        yield {3: 9}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        squares.shared.obtain("squares", [3, 4], fail)
    assert in_threads(lambda: squares.of([3, 4]), seconds=10) == [[9, 16]]


def test_who_waits_can_be_interrupted(capfd):
    shared, begun, end = SharedResults(), threading.Event(), threading.Event()

    def compute(keys):
        begun.set()
        assert end.wait(SECONDS)
        yield {1: "value"}

    other = threading.Thread(target=shared.obtain, args=("table", [1], compute), daemon=True)
    other.start()
    assert begun.wait(SECONDS)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    alarm = threading.Timer(0.2, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    alarm.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            shared.obtain("table", [1], compute)
    finally:
        signal.signal(signal.SIGINT, handler)
        end.set()
    other.join(SECONDS)
    assert shared.obtain("table", [1], compute) == ["value"]


def test_asyncio_tasks_share_through_threads():
    squares = Squares()

    async def ask():
        return await asyncio.wait_for(
            asyncio.gather(*[asyncio.to_thread(squares.of, [1, 2, 3]) for _ in range(8)]), SECONDS
        )

    assert asyncio.run(ask()) == [[1, 4, 9]] * 8
    assert sorted(squares.computed) == [1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_waits_for_no_thread_of_its_parent():
    squares, lock, begun, end = Squares(0), Lock(), threading.Event(), threading.Event()
    squares.of([2])

    def hold(keys):
        with lock, squares.shared._changed:
            begun.set()
            assert end.wait(SECONDS)
        yield {3: "the parent's"}

    def in_child():
        with lock:
            return squares.of([2, 3]), squares.computed

    holder = threading.Thread(target=squares.shared.obtain, args=("squares", [3], hold), daemon=True)
    holder.start()
    assert begun.wait(SECONDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork in a process with threads
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=lambda: sender.send(in_child()))
        child.start()
    try:
        assert receiver.poll(20), "the child hangs"
        assert receiver.recv() == ([4, 9], [2, 3])
    finally:
        end.set()
        child.kill()
        child.join(SECONDS)
    holder.join(SECONDS)
    assert squares.of([3]) == ["the parent's"]


def test_a_pickled_copy_starts_empty_and_works():
    squares = Squares(0)
    squares.of([2])
    assert squares.shared.first("mark")
    copy = pickle.loads(pickle.dumps(squares.shared))
    assert copy.unknown("squares", [2]) == [2]
    assert copy.first("mark")
    with pickle.loads(pickle.dumps(Lock())):
        pass


def test_one_of_eight_threads_is_the_first():
    shared = SharedResults()
    assert sorted(in_threads(*[lambda: shared.first("mark")] * 8)) == [False] * 7 + [True]


def test_a_table_with_a_limit_keeps_the_last_values():
    shared, made = SharedResults(), []

    def make(key):
        return shared.once("table", key, lambda: made.append(key) or key, limit=2)

    for key in (1, 2, 3, 3, 2, 1):
        make(key)
    assert made == [1, 2, 3, 1]
