"""Equal work is numbered: each asking has a number of its own, the smallest that is free."""

import threading
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from together import SECONDS, in_threads

from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.journal.job import JournaledJob
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions

KEYS = (b"a", b"b")
STEPS = st.lists(st.tuples(st.sampled_from(["ask", "give back", "give back twice"]), st.integers(0, 9)), max_size=40)


@given(STEPS)
@settings(max_examples=100, deadline=None)
def test_an_asking_gets_the_smallest_number_that_is_free(steps):
    repetitions, plain = Repetitions(), Repetitions()
    names = {key: plain.number([key] * 45) for key in KEYS}  # what the numbers 0, 1, 2, … of a key look like
    taken = {key: set() for key in KEYS}
    askings = []
    for step, place in steps:
        if step == "ask" or not askings:
            key = KEYS[place % 2]
            smallest = min(set(range(50)) - taken[key])
            assert repetitions.number([key]) == [names[key][smallest]]
            taken[key].add(smallest)
            askings.append((key, smallest))
        else:
            key, number = askings.pop(place % len(askings))
            for _ in range(1 if step == "give back" else 2):
                repetitions.give_back([names[key][number]])
            taken[key].discard(number)


def test_the_first_number_is_the_key_itself_and_others_are_different():
    numbered = Repetitions().number([b"a"] * 1000)
    assert numbered[0] == b"a"
    assert len(set(numbered)) == 1000


def test_threads_get_different_numbers_without_gaps():
    repetitions = Repetitions()
    numbered = in_threads(*[lambda: [repetitions.number([b"a", b"b"]) for _ in range(500)]] * 8)
    found = Counter(key for asked in numbered for pair in asked for key in pair)
    assert set(found.values()) == {1}
    assert set(found) == set(Repetitions().number([b"a", b"b"] * 4000))


def test_the_cost_of_an_asking_does_not_grow_with_the_number_of_askings():
    repetitions, begin = Repetitions(), time.process_time()
    for _ in range(40_000):
        repetitions.number([b"key"])
    # 0.2 s; trying the numbers one after the other took half a minute
    assert time.process_time() - begin < 5


def test_an_asking_is_given_back_once_however_often_it_fails(monkeypatch):
    """The interrupt gives it back, another one asks for the same, and only then does the interrupted run end."""
    ended = threading.Event()

    class Run:
        def run(self):
            assert ended.wait(SECONDS)
            raise OSError("stopped")

        def stop(self):
            pass

    repetitions = Repetitions()
    (mine,) = repetitions.number([b"key"])
    job = JournaledJob(Run(), give_back=lambda: repetitions.give_back([mine]))
    monkeypatch.setattr(job._thread, "join", lambda timeout: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        job.result()
    monkeypatch.undo()
    assert repetitions.number([b"key"]) == [mine]  # of another one
    ended.set()
    job._thread.join(SECONDS)
    assert repetitions.number([b"key"]) != [mine]


def test_threads_that_ask_a_sampler_for_the_same_get_independent_results(tmp_path):
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.measure_all()
    connection = connect("aer", shots=64, seed=1, journal=tmp_path / "run.journal")
    isa = connection.isa_circuit(circuit)
    results = in_threads(*[lambda: connection.sampler.run([(isa, None, 64)]).result(SECONDS)[0].data.meas] * 8)
    assert len({np.packbits(bits.array).tobytes() for bits in results}) == 8
