"""A crafted id of a job never becomes the address of a request that carries the user's token."""

import pytest
from runtime_server.client import Sampler

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.disk.job_ids import checked_job_id
from qiskit_qml_ext.primitives.journal.service.account import RuntimeAccount, runtime_job
from qiskit_qml_ext.primitives.journal.service.services import service_for

CRAFTED = (
    "../../v1/evil?x=",
    "a/b",
    "a?b",
    "a#b",
    "a%2fb",
    "",
    ".",
    "..",
    "a b",
    "a\n",
    "ä",
    "a" * 200,
    None,
    3,
    b"a",
)


@pytest.mark.parametrize("job", CRAFTED)
def test_no_request_is_made_of_a_crafted_id(job, server, backend):
    before = len(server.store.rows("SELECT * FROM requests"))
    service = server.service()
    made = len(server.store.rows("SELECT * FROM requests")) - before
    for fetch in (
        lambda: runtime_job(service, job),
        lambda: RuntimeAccount(service).fetch(job),
        lambda: service_for(Sampler(mode=backend)).fetch(job),
    ):
        with pytest.raises(JournalError, match="cannot be the id of a job"):
            fetch()
    assert len(server.store.rows("SELECT * FROM requests")) == before + made


@pytest.mark.parametrize(
    "job",
    ["d1a2b3c4d5e6f7g8h9i0", "64f0c3b6a1b2c3d4e5f60718", "0a1b2c3d-1111-2222-3333-444455556666", "a_b", "-7", "a..b"],
)
def test_ids_that_services_make_pass(job):
    assert checked_job_id(job) == job
