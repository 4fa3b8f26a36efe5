"""The service's own limit on executions comes before ours."""

import numpy as np
import pytest
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import IBMRuntimeError
from runtime_server.work import QUICK, rotation

from qiskit_qml_ext.primitives import Policy, connect
from qiskit_qml_ext.primitives.journal.service.limits import limit_below

ANGLES = np.linspace(0, np.pi, 6)[:, None]


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        ("The number of executions 10000000 exceeds the limit of 4000000 in a job.", 4000000),
        ("Error code: 8033; too many executions, at most 4,000,000 are allowed, but 10,000,000 came", 4000000),
        ("Too many executions; code 400, see page 5555", 5000000),
        ("Error code: 1217; the session does not accept jobs", None),
        ("Error code: 3458; you have reached the maximum number of pending jobs: 3", None),
    ],
)
def test_limit_is_taken_from_the_services_words(words, limit):
    error = IBMRuntimeError(words)
    error.__context__ = RequestsApiError(words, status_code=400)
    assert limit_below(error, 10_000_000) == limit


def test_answer_that_was_lost_says_nothing_of_limits():
    """A job that may have been accepted is not cut and sent again."""
    for status in (-1, 500, None):
        error = IBMRuntimeError("The number of executions exceeds the limit of 5 in a job.")
        error.__context__ = RequestsApiError("lost", status_code=status)
        assert limit_below(error, 10) is None


def test_work_without_a_journal_is_cut_as_the_service_says(server):
    server.store.set("execution_limit", 250)
    connection = connect(server.service(), backend="test_manila", shots=100, max_executions=600)
    spans = [span for span, _ in connection.sample(rotation(), ANGLES)]
    assert [(span.start, span.stop) for span in spans] == [(0, 2), (2, 4), (4, 6)]
    assert server.executions() == 600
    assert server.requests("POST", "/jobs") == 1 + 3
    assert connection.usage.jobs == 3


def test_one_circuit_beyond_the_services_limit_is_refused_with_its_words(server):
    server.store.set("execution_limit", 50)
    connection = connect(server.service(), backend="test_manila", shots=100)
    with pytest.raises(IBMRuntimeError, match="exceeds the limit of 50"):
        list(connection.sample(rotation(), ANGLES))
    assert server.executions() == 0


def test_work_in_a_journal_is_cut_until_the_service_takes_it(server, path):
    server.store.set("execution_limit", 250)
    connection = connect(server.service(), backend="test_manila", shots=100, journal=path, policy=Policy(**QUICK))
    ((_, data),) = connection.sample(rotation(), ANGLES)
    counts = np.count_nonzero(data.meas.array[..., 0], axis=-1)
    assert counts[0] == 0
    assert counts[-1] == 100
    assert server.executions() == 600
