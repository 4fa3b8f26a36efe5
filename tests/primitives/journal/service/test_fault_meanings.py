"""What the client's own exceptions mean, made by the client itself from answers of the service."""

import json
from pathlib import Path

import pytest
import requests
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.api.session import RetrySession
from qiskit_ibm_runtime.exceptions import IBMNotAuthorizedError, IBMRuntimeError, RuntimeJobFailureError

from qiskit_qml_ext.exceptions import RunIncompleteError
from qiskit_qml_ext.primitives.journal.service import reactions
from qiskit_qml_ext.primitives.journal.service.faults import Fault, classify, classify_failure
from qiskit_qml_ext.primitives.journal.service.reactions import REACTIONS, Meaning, Reaction, Step, WaitsFor
from qiskit_qml_ext.primitives.journal.service.service_codes import SERVICE_CODES
from tests.primitives.journal.service_codes import page

URLS = (
    "http://127.0.0.1:8731",
    "https://us-east.quantum.cloud.ibm.com/api/v1/some/long/path",
    "https://x.y/request/limit",
)
PENDING = "You have reached the maximum number of pending jobs, so you need to wait for one job to move from pending."
PHRASES = {400: "Bad Request", 403: "Forbidden", 409: "Conflict", 413: "Payload Too Large", 429: "Too Many Requests"}


class Answering(requests.adapters.BaseAdapter):
    """Gives one answer to every request."""

    def __init__(self, status, body, headers):
        super().__init__()
        self._status, self._body, self._headers = status, body, headers

    def send(self, request, **_):
        response = requests.Response()
        response.status_code, response.reason = self._status, PHRASES.get(self._status, "Some Reason")
        response.url, response.request = request.url, request
        response._content = self._body.encode()
        response.headers.update(self._headers)
        return response

    def close(self):
        pass


def bodies(code, message):
    """All shapes in which the service and the client have been seen to carry a code."""
    return {
        "list": json.dumps({"errors": [{"code": code, "message": message, "more_info": "https://docs/errors"}]}),
        "single": json.dumps({"error": {"code": code, "message": message}}),
        "text of the code": json.dumps({"errors": [{"code": str(code), "message": message}]}),
        "plain": f"{message} Error code: {code}.",
        "link": f"{message} -- https://ibm.biz/error_codes#{code}",
    }


def raised(status, body, *, url=URLS[0], headers=(), wrapped=True):
    """Return what the client raises for an answer to a submission."""
    session = RetrySession(url)
    for scheme in ("http://", "https://"):
        session.mount(scheme, Answering(status, body, dict(headers)))
    try:
        try:
            session.post("/jobs", data="{}")
        except RequestsApiError as error:
            if not wrapped:
                raise
            raise IBMRuntimeError(f"Failed to run program: {error}") from None  # as the service object does it
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("shape", list(bodies(0, "")))
@pytest.mark.parametrize("wrapped", [True, False])
def test_pending_limit_is_a_refusal_for_now_in_every_shape(url, shape, wrapped):
    fault = classify(raised(400, bodies(3458, PENDING)[shape], url=url, wrapped=wrapped))
    assert fault.meaning is Meaning.THROTTLED
    assert fault.waits_for is WaitsFor.JOBS
    assert fault.code == 3458
    assert fault.is_network  # it goes away by waiting


# every code in one shape, and one code of each meaning in all shapes
SHAPES = [(code, "list") for code in SERVICE_CODES]
SHAPES += [(code, shape) for code in (1012, 1999, 1305, 1217, 1201, 9707, 1517) for shape in bodies(0, "")]


@pytest.mark.parametrize(("code", "shape"), SHAPES)
def test_every_listed_code_is_understood_by_its_number_whatever_the_words(code, shape):
    error = raised(400, bodies(code, "The request has too many circuits and the session is closed")[shape])
    fault = classify(error)
    assert fault.meaning is SERVICE_CODES[code].meaning
    assert fault.waits_for is SERVICE_CODES[code].waits_for


@pytest.mark.parametrize(
    ("status", "message", "meaning"),
    [
        (400, PENDING, Meaning.THROTTLED),
        (409, "The instance has reached its limit of active workloads.", Meaning.THROTTLED),
        (400, "", Meaning.REFUSED),
        (400, "The circuits are not valid.", Meaning.REFUSED),
        (400, "The number of executions 500 exceeds the limit of 200 in a job.", Meaning.TOO_LARGE),
        (400, "Payload is too large", Meaning.TOO_LARGE),
        (400, "The job has too many circuits", Meaning.TOO_LARGE),
        (400, "The session has been closed and does not accept jobs.", Meaning.SESSION_CLOSED),
        (400, "The backend is temporarily not available: it is under maintenance.", Meaning.THROTTLED),
        (403, "You have exceeded your monthly quota of jobs.", Meaning.REFUSED),
        (403, "", Meaning.UNAUTHORIZED),
        (401, "", Meaning.UNAUTHORIZED),
        (409, "", Meaning.REFUSED),
        (413, "", Meaning.TOO_LARGE),
        (429, "", Meaning.THROTTLED),
        (500, PENDING, Meaning.UNKNOWN),
        (503, "", Meaning.UNKNOWN),
        (408, "", Meaning.UNKNOWN),
    ],
)
@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("shape", ["unknown code", "bare"])
def test_without_a_known_code_the_status_and_then_the_words_count(status, message, meaning, url, shape):
    body = message if shape == "bare" else bodies(1, message)["list"]
    assert classify(raised(status, body, url=url)).meaning is meaning


def test_lost_answers_say_nothing_for_certain_whatever_code_they_carry():
    for code in (3458, 1305, 1217, 1201, 1517):
        fault = classify(raised(500, bodies(code, "")["list"]))
        assert fault.meaning is Meaning.UNKNOWN
        assert fault.is_network


def test_maintenance_is_named_as_what_is_waited_for():
    assert classify(raised(503, bodies(1999, "Planned outage")["list"])).waits_for is WaitsFor.DEVICE


def test_the_time_to_wait_is_read_from_the_answer():
    assert classify(raised(429, "", headers={"Retry-After": "7"})).wait == 7.0
    assert classify(raised(400, bodies(3458, PENDING)["list"], headers={"Retry-After": "9"})).wait == 9.0


def test_a_token_that_is_refused_is_told_by_the_clients_own_class():
    error = raised(401, "")
    assert isinstance(error, IBMNotAuthorizedError)
    assert classify(error).meaning is Meaning.UNAUTHORIZED


def test_an_error_of_this_machine_is_not_the_services():
    assert classify(ValueError("the payload exceeds what was asked for")).meaning is Meaning.UNKNOWN
    assert not classify(ValueError("no")).is_network
    assert classify(requests.ConnectionError("Max retries exceeded with url: /jobs")).is_network


@pytest.mark.parametrize(
    ("reason", "meaning"),
    [
        ("Error code 1517; the instruction rzz is supported only for angles in [0, pi/2]", Meaning.REFUSED),
        ("Failed: rzz is supported only for angles in [0, pi/2] -- https://ibm.biz/error_codes#1517", Meaning.REFUSED),
        (
            "Error code 6050; Failed to execute: Input Error: Rep delay 0 outside of valid range",
            Meaning.REFUSED,
        ),
        ("Error code 3211; Job not valid. 'Invalid parameter expression map type'", Meaning.REFUSED),
        ("Transpile your circuits for the target before submitting a primitive query.", Meaning.REFUSED),
        ("Error code 9707; Temporary Internal Error", Meaning.UNKNOWN),
        ("Error code 1234; something that nobody has seen", Meaning.UNKNOWN),
        ("The service gave no reason.", Meaning.UNKNOWN),
        ("400 Client Error: Bad Request for url: https://x.y/v1/jobs/limit/maximum", Meaning.UNKNOWN),
        ("Error code 1305; Job job-1 ran longer than maximum execution time.", Meaning.TOO_LARGE),
        ("Error code 8033; The number of executions 600 exceeds the limit of 300 in a job.", Meaning.TOO_LARGE),
        ("Error code 4001; Job is part of a session that's been closed", Meaning.SESSION_CLOSED),
        ("Maximum number of pending jobs reached", Meaning.UNKNOWN),
    ],
)
def test_the_reason_of_a_failed_job_says_whether_it_is_worth_another_try(reason, meaning):
    assert classify_failure(reason).meaning is meaning
    error = RuntimeJobFailureError(f"Unable to retrieve job result. {reason}")
    assert classify_failure(str(error)).meaning is meaning


def test_every_meaning_has_a_reaction_with_words_for_the_reader():
    assert set(REACTIONS) == set(Meaning)
    assert all(Fault(meaning, "").reaction.words for meaning in Meaning)


def test_only_a_unit_that_is_planned_again_waits_or_is_sent_in_a_new_session():
    for reaction in REACTIONS.values():
        assert reaction.step is Step.AGAIN or not (reaction.holds_back or reaction.reopens or reaction.ends_run)


def test_what_is_done_about_a_fault_is_said_in_the_table_only():
    journal = Path(reactions.__file__).parents[1]
    naming = {path.name for path in journal.rglob("*.py") if "Meaning." in path.read_text()}
    assert naming == {"reactions.py", "service_codes.py", "faults.py"}  # the table and the classification


def test_the_page_is_the_one_that_the_command_writes():
    written = Path(__file__).parents[4] / "docs" / "service-codes.md"
    assert page() == written.read_text(), (
        "Run: python -m tests.primitives.journal.service_codes > docs/service-codes.md"
    )


def test_pending_limit_is_waited_out(server, work):
    body = json.loads(bodies(3458, PENDING)["list"])
    server.fault("POST", "/jobs", times=7, status=400, body=body)  # more than errors that no network explains may come
    _, job = work(throttle_seconds=0.1)
    assert job.report.submitted == 3
    assert server.executions() == 600


def test_what_is_done_about_a_fault_is_what_its_line_of_the_table_says(server, work, monkeypatch):
    """An error that ends a run is waited out, and one that failed a job is paid again, if the table says so."""
    monkeypatch.setitem(REACTIONS, Meaning.REFUSED, Reaction(Step.AGAIN, "wait and send it again", holds_back=True))
    body = json.loads(bodies(1517, "The instruction is not one of the device.")["list"])
    server.fault("POST", "/jobs", times=2, status=400, body=body)
    server.fail_next(1, reason="Error code 1517; The instruction is not one of the device.", code=1517)
    _, job = work(throttle_seconds=0.1)
    assert job.report.submitted == 4
    assert server.executions() == 600


def test_a_quota_that_is_used_up_ends_the_run_with_the_services_words(server, work):
    body = json.loads(bodies(4317, "You have exceeded your monthly quota.")["list"])
    server.fault("POST", "/jobs", times=1, status=403, body=body)
    with pytest.raises(RunIncompleteError, match="monthly quota"):
        work()
    assert work()[1].report.submitted == 3
