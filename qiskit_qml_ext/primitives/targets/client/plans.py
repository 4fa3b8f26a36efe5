"""Plans of IBM accounts: not all of them have sessions."""

from typing import Any

from qiskit.providers import BackendV2

_OPEN = "open"


def plan_of(backend: BackendV2) -> str | None:
    """Return the name of the plan that a backend was reached by, in small letters; ``None`` where none is known."""
    service: Any = getattr(backend, "service", None)
    instance = getattr(backend, "_instance", None)
    if service is None or instance is None:
        return None
    try:
        listed = service.instances()
    except Exception:  # whatever the way to the account raises: then the service answers when a session is opened
        return None
    plans = [item.get("plan") for item in listed if isinstance(item, dict) and item.get("crn") == instance]
    return plans[0].lower() if plans and isinstance(plans[0], str) else None


def refuse_sessions(backend: BackendV2) -> None:
    """Raise if a session is asked for on a plan that has none.

    Raises:
        ValueError: The message says what to use.
    """
    if plan_of(backend) == _OPEN:
        raise ValueError(
            f"mode='session' came, but {backend.name} was reached by an Open Plan, which has no sessions: the service "
            "refuses them (code 1352). Use mode='batch' or mode='job', or another instance of the account."
        )


def refuse_closed(mode: Any) -> None:
    """Raise if a batch or session of the user's was closed, so that it takes no jobs.

    Raises:
        ValueError: The message says what to do.
    """
    if not getattr(mode, "_active", True):
        kind = type(mode).__name__
        raise ValueError(
            f"The {kind} that came is closed and takes no jobs. Open a new one, or pass the backend with "
            f"mode={kind.lower()!r}, so that one is opened when the first job is submitted."
        )
