"""The service of the tests, for all folders: see :mod:`runtime_server`."""

import pytest


@pytest.fixture(scope="session")
def running_server(tmp_path_factory):
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2
    from runtime_server import RuntimeServer

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
    """Where a journal may be made."""
    return tmp_path / "run.journal"
