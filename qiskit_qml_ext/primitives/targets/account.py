"""An IBM account: which of its devices is meant."""

from typing import Any

from qiskit.providers import BackendV2

LEAST_BUSY = "least_busy"

_ACCOUNTS = {"QiskitRuntimeService", "IBMQuantumComputeService"}  # the client is giving it another name


def is_account(target: object) -> bool:
    """Tell whether something is a ``QiskitRuntimeService``, also called ``IBMQuantumComputeService``."""
    return any(
        cls.__name__ in _ACCOUNTS and cls.__module__.startswith("qiskit_ibm_runtime.") for cls in type(target).mro()
    )


def names_a_device(target: str) -> bool:
    """Tell whether a name means a real device of the saved account."""
    return target == LEAST_BUSY or target.startswith("ibm_")


def saved_account() -> Any:
    """Connect to the account that was saved or is set in the environment.

    Raises:
        ValueError: If there is none, or it cannot be reached.
    """
    from qiskit_ibm_runtime import QiskitRuntimeService

    try:
        return QiskitRuntimeService()
    except Exception as error:
        raise ValueError(
            f"The IBM account cannot be reached: {' '.join(str(error).split())} Save your account once with "
            "QiskitRuntimeService.save_account(…), or set QISKIT_IBM_TOKEN."
        ) from error


def device_of_account(service: Any, name: object = LEAST_BUSY) -> BackendV2:
    """Return a device of an account, with all gates that it has, fractional ones among them.

    Args:
        service: A ``QiskitRuntimeService``.
        name: The device's name, or ``"least_busy"`` for the operational one with the shortest queue.

    Raises:
        ValueError: If the account has no such device; the message names those that it has.
    """
    if not isinstance(name, str):
        raise TypeError(f"backend must be the name of a device or {LEAST_BUSY!r}, but {name!r} came.")
    try:
        if name == LEAST_BUSY:
            name = str(service.least_busy(operational=True, simulator=False).name)
        _forget_gates(service, name)
        return service.backend(name, use_fractional_gates=None)  # with them, and with control flow
    except Exception as error:
        if type(error).__name__ != "QiskitBackendNotFoundError":
            raise
        # qiskit-ibm-runtime before 0.42 connects without asking: then it has no devices where others raise an error
        nothing = "none at all, so perhaps the account cannot be reached"
        names = ", ".join(sorted(backend.name for backend in service.backends())) or nothing
        raise ValueError(f"The account has no device {name!r}. It has: {names}.") from error


def _forget_gates(service: Any, name: str) -> None:
    """Let the client read a device's gates anew: it keeps them as they were asked for first, without fractional ones.

    Only what was asked for with ``use_fractional_gates=True`` is read anew by itself, which before 0.42 is without
    control flow.
    """
    getattr(service, "_backend_configs", {}).pop(name, None)
