import numpy as np
import pytest
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from runtime_server import RuntimeServer
from runtime_server.client import Sampler
from runtime_server.nursery import Nursery
from runtime_server.work import QUICK, isa_rotation

from qiskit_qml_ext.primitives.journal import Journal, JournaledSampler, Policy
from tests.primitives.journal.damage import make_files, put


@pytest.fixture(scope="session")
def running_server(tmp_path_factory):
    with RuntimeServer(tmp_path_factory.mktemp("server"), [FakeManilaV2]) as server:
        yield server


@pytest.fixture
def server(running_server, monkeypatch):
    """The service, with nothing in it; a test may kill it, it is started again for the next one."""
    if running_server._process is None:
        running_server.start()
    running_server.reset()
    for name, value in running_server.environment.items():
        monkeypatch.setenv(name, value)
    return running_server


@pytest.fixture
def backend(server):
    return server.service().backend("test_manila")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.journal"


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
def work(backend, path):
    """Runs one circuit for many angles through a new journaled sampler, as a program run again would do it."""

    def run(angles=None, *, shots=100, mode=None, policy=None, result=True, **settings):
        angles = np.linspace(0, np.pi, 6) if angles is None else np.asarray(angles)
        sampler = JournaledSampler(
            Sampler(mode=mode or backend),
            Journal(path),
            policy=policy or Policy(**{**QUICK, "max_executions": 2 * shots, **settings}),
        )
        job = sampler.run([(isa_rotation(backend), angles[:, None], shots)])
        return (job.result(60), job) if result else job

    return run


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
