from functools import partial

import numpy as np
import pytest
from runtime_server.client import Sampler
from runtime_server.nursery import Nursery
from runtime_server.work import ANGLES, QUICK, isa_rotation

from qiskit_qml_ext.primitives.journal import JournaledSampler, Policy
from tests.primitives.journal.damage import make_files, put


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """The files of a journal with known results, as bytes; see :func:`damage.make_files`."""
    return make_files(tmp_path_factory.mktemp("base"))


@pytest.fixture
def sound(files, path):
    """A journal with known results that nothing is wrong with."""
    put(path, files["main"])
    return path


@pytest.fixture
def ask(backend):
    """Runs one circuit for many angles through a new journaled sampler, as a program does that is run again."""

    def run(journal, angles=ANGLES, *, shots=100, mode=None, policy=None, approve=None, start=False, **settings):
        sampler = JournaledSampler(
            Sampler(mode=mode or backend),
            journal,
            policy=policy or Policy(**{**QUICK, "max_executions": 2 * shots, **settings}),
            approve=approve,
        )
        job = sampler.run([(isa_rotation(backend), np.asarray(angles)[:, None], shots)])
        return job if start else (job.result(60), job)

    return run


@pytest.fixture
def work(ask, path):
    """Asks for six angles, or others, through one journal."""
    return partial(ask, path)


@pytest.fixture(scope="session")
def whole_nursery(tmp_path_factory):
    with Nursery(tmp_path_factory.mktemp("nursery")) as nursery:
        yield nursery


@pytest.fixture
def start(whole_nursery, server, path):
    """Starts a process that asks for six angles (or does another task) through the journal, as a program would."""

    def begin(task="sample", journal=path, **spec):
        return whole_nursery.start(task, server, journal=journal, **spec)

    yield begin
    whole_nursery.clear()
