"""What an exception of the client says about a submission: was the job accepted or not, and what helps?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto


class Meaning(Enum):
    """What became of a request."""

    UNKNOWN = auto()
    """The service may have accepted the job: look for it before anything else."""
    THROTTLED = auto()
    """Not accepted: too many requests. Wait and send it again."""
    TOO_LARGE = auto()
    """Not accepted: more executions or bytes than a job may have. Halve it."""
    SESSION_CLOSED = auto()
    """Not accepted: the session or batch takes no jobs any more. Open a new one."""
    UNAUTHORIZED = auto()
    """Not accepted: the token is not valid."""
    REFUSED = auto()
    """Not accepted, and it would not be if it were sent again."""


@dataclass(frozen=True)
class Fault:
    """An exception, understood.

    Attributes:
        meaning: What became of the request.
        reason: The client's words.
        wait: Seconds that the service asked to wait, if it did.
        is_network: Whether the trouble lies between here and the service.
    """

    meaning: Meaning
    reason: str
    wait: float | None = None
    is_network: bool = False


_TOO_LARGE = re.compile(
    r"(execution|circuit|payload|input|param|request|body|entity).{0,80}(exceed|limit|maximum|too (large|many|big))"
    r"|(exceed|too (large|many)).{0,80}(execution|circuit|payload|bytes)|ran longer than|ran too long|code:? 1305",
    re.IGNORECASE | re.DOTALL,
)
_SESSION = re.compile(
    r"(session|batch).{0,60}(closed|expired|not accept|inactive|does not exist)", re.IGNORECASE | re.DOTALL
)
_NETWORK_MODULES = ("requests", "urllib3", "http", "socket", "ssl")


def understand(error: BaseException) -> Fault:
    """Say what an exception of ``run`` (or of any other call of the client) means."""
    chain = list(_chain(error))
    reason = " ".join(str(error).split())[:500]
    texts = " ".join(str(item) for item in chain)
    status = next((code for code in map(_status, chain) if code is not None), None)
    is_network = any(
        isinstance(item, (ConnectionError, TimeoutError)) or type(item).__module__.split(".")[0] in _NETWORK_MODULES
        for item in chain
    )
    if status == 429:
        return Fault(Meaning.THROTTLED, reason, _retry_after(chain), is_network=True)
    if status in (401, 403) or any(type(item).__name__ == "IBMNotAuthorizedError" for item in chain):
        return Fault(Meaning.UNAUTHORIZED, reason)
    if status == 413:
        return Fault(Meaning.TOO_LARGE, reason)
    is_refusal = status is not None and 400 <= status < 500 and status != 408
    if (is_refusal or status is None) and _SESSION.search(texts) and not (status is None and is_network):
        return Fault(Meaning.SESSION_CLOSED, reason)
    if is_refusal:
        return Fault(Meaning.TOO_LARGE if is_too_large(texts) else Meaning.REFUSED, reason)
    return Fault(Meaning.UNKNOWN, reason, _retry_after(chain), is_network=is_network or status is not None)


def is_too_large(reason: str) -> bool:
    """Tell whether a reason speaks of a limit on executions, payload or time."""
    return bool(_TOO_LARGE.search(reason))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    item: BaseException | None = error
    while item is not None and id(item) not in seen:
        seen.add(id(item))
        yield item
        # The client raises "from None", which hides the context but keeps it.
        item = item.__cause__ or item.__context__


def _status(item: BaseException) -> int | None:
    """Return an HTTP status; the client writes -1 where it lost it, which says that there was trouble on the way."""
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
