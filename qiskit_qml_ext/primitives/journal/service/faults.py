"""What an exception of the client says about a submission: was the job accepted or not, and what helps?

The service's own code is asked first (:mod:`service_codes`), then the HTTP status, then the words. An answer that was
lost on the way (a status of 500 and above, or none) says nothing for certain, whatever code it carries: the client
sends such requests again by itself, so an earlier try may have been accepted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from qiskit_qml_ext.primitives.journal.service.reactions import REACTIONS, Meaning, Reaction, WaitsFor
from qiskit_qml_ext.primitives.journal.service.service_codes import SERVICE_CODES


@dataclass(frozen=True)
class Fault:
    """What an exception, or a failed job, means."""

    meaning: Meaning
    """What became of the request."""
    reason: str
    """The client's words."""
    wait: float | None = None
    """Seconds that the service asked to wait, if it did."""
    is_network: bool = False
    """Whether the cause lies between here and the service, or in it, so that it goes away by waiting."""
    waits_for: WaitsFor | None = None
    """What has to happen before the service accepts it, if it was refused for now."""
    code: int | None = None
    """The service's own code, if it gave one that is known."""

    @property
    def reaction(self) -> Reaction:
        """What a run does about it."""
        return REACTIONS[self.meaning]


# "Error code: 3458", "Error code 6050;", '"code":1217', "{'code': 5205", "(400, code 3458)", "…/error_codes#1517"
_CODE = re.compile(r"""codes?["']?\s*[:=\#]?\s*["']?(\d{4})(?!\d)""", re.IGNORECASE)
_URL = re.compile(r"\b\w+://\S+")
_STATUS_LINE = re.compile(r"\b[45]\d\d (client|server) error: .{0,60}? for url:?", re.IGNORECASE)
_PHRASES = re.compile(
    r"\b[45]\d\d:? +("
    + "|".join(re.escape(status.phrase) for status in HTTPStatus if status >= 400)
    + r")\b|Bad Request",
    re.IGNORECASE,
)

# Within one clause of a sentence: "limit" and "maximum" of anything else must not match.
_SIZE = r"(?:executions?|circuits?|shots?|payload|inputs?|param(?:eter)?s|body|entity|job|instructions?|bytes)"
_TOO_LARGE = re.compile(
    rf"\b{_SIZE}\b[^.;{{}}]{{0,80}}\b(?:exceed|larger? than|too (?:large|many|big|long)|maximum|limit)"
    rf"|(?:exceed|too (?:large|many)|larger than|maximum)[^.;{{}}]{{0,80}}\b{_SIZE}\b"
    r"|ran longer than|ran too long",
    re.IGNORECASE,
)
_SESSION = re.compile(
    r"(session|batch).{0,60}(closed|expired|not accept|inactive|does not exist)", re.IGNORECASE | re.DOTALL
)
_PENDING = re.compile(
    r"(pending|concurrent|queued|active)\W+(jobs?|workloads?)|jobs? (?:pending|queued|in the queue)", re.IGNORECASE
)
_LIMIT = re.compile(r"limit|maximum|too many|exceed|reached|wait", re.IGNORECASE)
_PAUSED = re.compile(
    r"(backend|system|device|queue|service)[^.;]{0,60}(maintenance|paused|(temporarily|currently) (un|not )available)"
    r"|planned outage",
    re.IGNORECASE,
)
_RATE = re.compile(r"too many requests|rate limit", re.IGNORECASE)
_QUOTA = re.compile(r"quota|usage limit|instance limit|remaining time", re.IGNORECASE)
_USERS = re.compile(
    r"transpile your circuits|not supported|unsupported|is supported only|not allowed|outside of (?:valid|the) range"
    r"|input error|invalid (?:input|value|angle|parameter|argument|option|instruction)|out of range",
    re.IGNORECASE,
)
_NETWORK_MODULES = ("requests", "urllib3", "http", "socket", "ssl")


def classify(error: BaseException) -> Fault:
    """Say what an exception of ``run`` (or of any other call of the client) means."""
    chain = list(_chain(error))
    reason = " ".join(str(error).split())[:500]
    texts = " ".join(str(item) for item in chain)
    status = next((code for code in map(_status, chain) if code is not None), None)
    code = next((code for item in chain for code in _codes(item) if code in SERVICE_CODES), None)
    known = None if code is None else SERVICE_CODES[code]
    wait = _retry_after(chain)
    is_network = any(
        isinstance(item, (ConnectionError, TimeoutError)) or type(item).__module__.split(".")[0] in _NETWORK_MODULES
        for item in chain
    )
    waits_for = known.waits_for if known is not None else _waits_for(status, texts)
    if (status is not None and not 400 <= status < 500) or status == 408 or (status is None and is_network):
        return Fault(Meaning.UNKNOWN, reason, wait, is_network=True, waits_for=waits_for, code=code)
    if any(type(item).__name__ == "IBMNotAuthorizedError" for item in chain):
        return Fault(Meaning.UNAUTHORIZED, reason, code=code)
    if known is not None:
        passes = REACTIONS[known.meaning].passes
        return Fault(known.meaning, reason, wait, is_network=passes, waits_for=waits_for, code=code)
    meaning = _of_status_and_text(status, _plain(texts))
    if meaning is Meaning.THROTTLED:
        return Fault(meaning, reason, wait, is_network=True, waits_for=waits_for)
    return Fault(meaning, reason, wait if meaning is Meaning.UNKNOWN else None)


def classify_failure(reason: str) -> Fault:
    """Say what the service's words about a failed job mean, its code in front if there is one.

    Returns:
        :attr:`Meaning.UNKNOWN`, :attr:`Meaning.THROTTLED` and :attr:`Meaning.UNAUTHORIZED` for what may run next time,
        :attr:`Meaning.SESSION_CLOSED` for what may run in a new session, :attr:`Meaning.TOO_LARGE` for what may run in
        halves, and :attr:`Meaning.REFUSED` for what would fail again.
    """
    code = next((code for code in _codes_in(reason) if code in SERVICE_CODES), None)
    if code is not None:
        known = SERVICE_CODES[code]
        return Fault(known.meaning, reason, waits_for=known.waits_for, code=code)
    plain = _plain(reason)
    if _speaks_of_size(plain):
        return Fault(Meaning.TOO_LARGE, reason)
    if _SESSION.search(plain):
        return Fault(Meaning.SESSION_CLOSED, reason)
    return Fault(Meaning.REFUSED if _USERS.search(plain) else Meaning.UNKNOWN, reason)


def _of_status_and_text(status: int | None, texts: str) -> Meaning:
    """Classify an answer without a known code; the status is in the four hundreds, or there is none."""
    if status == 429:
        return Meaning.THROTTLED
    if status in (401, 403) and not _QUOTA.search(texts):
        return Meaning.UNAUTHORIZED
    if status == 413:
        return Meaning.TOO_LARGE
    if _SESSION.search(texts):
        return Meaning.SESSION_CLOSED
    if status is None:
        return Meaning.UNKNOWN
    if _waits_for(status, texts) is not None:
        return Meaning.THROTTLED
    return Meaning.TOO_LARGE if _speaks_of_size(texts) else Meaning.REFUSED


def _waits_for(status: int | None, texts: str) -> WaitsFor | None:
    if _PENDING.search(texts) and _LIMIT.search(texts):
        return WaitsFor.JOBS
    if status == 429 or _RATE.search(texts):
        return WaitsFor.REQUESTS
    return WaitsFor.DEVICE if status == 503 or _PAUSED.search(texts) else None


def _speaks_of_size(plain: str) -> bool:
    for_other_reasons = _PENDING.search(plain) or _QUOTA.search(plain) or _RATE.search(plain)
    return not for_other_reasons and _TOO_LARGE.search(plain) is not None


def _plain(text: str) -> str:
    """Leave out addresses and what HTTP says: a "Bad Request for url: …/jobs" speaks of no limit on requests."""
    return " ".join(_PHRASES.sub(" ", _URL.sub(" ", _STATUS_LINE.sub(" ", text))).split())


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    item: BaseException | None = error
    while item is not None and id(item) not in seen:
        seen.add(id(item))
        yield item
        # The client raises "from None", which hides the context but keeps it.
        item = item.__cause__ or item.__context__


def _codes(item: BaseException) -> Iterator[int]:
    """Yield the service's codes that an exception carries, in its answer or in its words."""
    try:
        answer = getattr(item, "response", None)
        body = None if answer is None else answer.json()
    except Exception:  # the answer of a proxy is no JSON, and a broken one has no body
        body = None
    if isinstance(body, dict):
        listed = body.get("errors")
        for entry in [body.get("error"), *(listed if isinstance(listed, list) else [])]:
            yield from _code_of(entry)
    yield from _codes_in(str(item))


def _code_of(entry: Any) -> Iterator[int]:
    code = entry.get("code") if isinstance(entry, dict) else None
    if isinstance(code, (int, str)) and not isinstance(code, bool) and re.fullmatch(r"\d{4}", str(code).strip()):
        yield int(code)


def _codes_in(text: str) -> Iterator[int]:
    return (int(match.group(1)) for match in _CODE.finditer(text))


def _status(item: BaseException) -> int | None:
    """Return an HTTP status; the client writes -1 where it lost it, which says that something went wrong on the way."""
    code = getattr(item, "status_code", None)
    if code is None:
        code = getattr(getattr(item, "response", None), "status_code", None)
    return int(code) if isinstance(code, int) else None


def _retry_after(chain: list[BaseException]) -> float | None:
    for item in chain:
        headers = getattr(getattr(item, "response", None), "headers", None)
        value = None if headers is None else headers.get("Retry-After")
        if value is not None and str(value).strip().isdigit():
            return float(value)
    return None
