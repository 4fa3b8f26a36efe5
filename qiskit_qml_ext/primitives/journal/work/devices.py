"""What a device says of itself, and what of it is content.

Simulators of this machine take their noise from the reported errors, so all of a report is content. A device of a
service is calibrated again and again; its reported errors change nothing that was asked for.
"""

import json
import threading
import weakref
from collections.abc import Iterator
from types import MethodType
from typing import Any

from qiskit.circuit import Gate, Operation

from qiskit_qml_ext.primitives.journal.work.stable import FORMS, attributes_of, digest_of, name_of, stable

_PLAIN = (float, type(None))


def reported_content(device: Any) -> dict[str, Any]:
    """Return all that a device reports: its instructions, where they act, with which errors, and its qubits.

    Args:
        device: Qiskit's ``Target``; ``None`` for backends without one.
    """
    if device is None:
        return {}
    instructions = {name: _instruction(device, name) for name in device.operation_names}
    numbers = ("num_qubits", "dt", "granularity", "min_length", "pulse_alignment", "acquire_alignment")
    properties = getattr(device, "qubit_properties", None)
    return {
        "class": name_of(type(device)),
        "instructions": instructions,
        "qubits": None if properties is None else [_properties(one) for one in properties],
        "together": stable(getattr(device, "concurrent_measurements", None), "The backend's target"),
        **{name: stable(getattr(device, name, None), "The backend's target") for name in numbers},
        **stable(getattr(device, "__dict__", {}), "The backend's target"),
    }


def gates_of(device: Any) -> list[str]:
    """Return the names of a device's gates, from which the transpiler chooses; which of them act where is no content.

    What is no gate (control flow, resets) is left out, so that a device that learns another changes no key.
    """
    if device is None:
        return []
    names = ((name, device.operation_from_name(name)) for name in device.operation_names)
    return sorted(name for name, operation in names if isinstance(operation, Gate))


def _instruction(device: Any, name: str) -> Any:
    operation = device.operation_from_name(name)
    kind = name_of(operation if isinstance(operation, type) else type(operation))
    written: list[Any] = [kind]
    if isinstance(operation, Operation):
        params = getattr(operation, "params", [])
        written += [operation.num_qubits, stable(list(params), f"The backend's instruction {name}")]
        if not kind.startswith("qiskit."):
            written.append(stable(operation, f"The backend's instruction {name}"))
        written.append(getattr(operation, "label", None))
    bounds = getattr(device, "supported_angle_bound", None)
    if bounds is not None and device.gate_has_angle_bounds(name):
        written.append(stable(_angle_bounds(device, name), "The backend's target"))
    places = device[name]
    described = [] if places is None else [_place(qubits, values) for qubits, values in places.items()]
    return [*written, sorted(described, key=lambda place: (place[0] is not None, place[0] or []))]


def _angle_bounds(device: Any, name: str) -> list[list[float]]:
    """Return the angles at which a gate begins or ceases to be supported, for each of its parameters.

    The target tells only whether given angles are supported; bounds are found between multiples of 1/8.
    """
    number = len(getattr(device.operation_from_name(name), "params", []))

    def supported(place: int, angle: float) -> bool:
        return bool(device.supported_angle_bound(name, [angle if other == place else 0.0 for other in range(number)]))

    bounds: list[list[float]] = []
    for place in range(number):
        edges = [float(supported(place, 0.0))]
        for step in range(-101, 101):  # up to 4π
            low, high = step / 8, (step + 1) / 8
            below = supported(place, low)
            if supported(place, high) == below:
                continue
            while low < (middle := (low + high) / 2) < high:
                low, high = (middle, high) if supported(place, middle) == below else (low, middle)
            edges.append(high)
        bounds.append(edges)
    return bounds


def _place(qubits: tuple[int, ...] | None, values: Any) -> list[Any]:
    return [None if qubits is None else list(qubits), _properties(values)]


def _properties(values: Any) -> Any:
    """Return reported properties; the usual two without looking further, for there are thousands."""
    if values is None:
        return None
    kind = type(values)
    if kind.__name__ == "InstructionProperties" and kind.__module__.startswith("qiskit."):
        error, duration = values.error, values.duration
        if type(error) in _PLAIN and type(duration) in _PLAIN:
            return [error, duration]
        return [stable(error, "A reported error"), stable(duration, "A reported duration")]
    names = [name for name in ("error", "duration", "t1", "t2", "frequency") if hasattr(values, name)]
    reported = {name: getattr(values, name) for name in names}
    return [name_of(kind), stable({**reported, **attributes_of(values)}, "A reported property")]


class NoiseDigests:
    """Digests of Aer's noise models, megabytes for a large device; each is written once until it changes."""

    _most = 16

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], list[Any], str]] = {}
        self._lock = threading.Lock()

    def of(self, noise: Any) -> str:
        """Return the digest of a noise model, the same for equal ones in every process."""
        parts = list(_parts(noise))
        with self._lock:
            known = self._known.get(id(noise))
        if known is not None and known[0]() is noise and _same(known[1], parts):
            return known[2]
        digest = digest_of(_noise_content(noise))
        with self._lock:
            while len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            # the parts are kept, so that no other object can get one of their addresses
            self._known[id(noise)] = weakref.ref(noise), parts, digest
        return digest


noise_digest = NoiseDigests().of
"""Returns the digest of one of Aer's noise models."""

FORMS["qiskit_aer.noise.noise_model.NoiseModel"] = noise_digest
FORMS["qiskit_aer.noise.errors.quantum_error.QuantumError"] = lambda error: stable(_without_ids(error.to_dict()), "It")


def _parts(noise: Any) -> Iterator[Any]:
    """Yield what a noise model is made of; adding an error puts another object in the place of the old one."""
    for table in (noise._default_quantum_errors, noise._local_quantum_errors, noise._local_readout_errors):
        for key, value in table.items():
            yield key
            for inner, error in value.items() if isinstance(value, dict) else ((None, value),):
                yield inner
                yield error
    yield noise._default_readout_error
    yield from noise._custom_noise_passes
    yield tuple(sorted(noise._basis_gates))


def _same(first: list[Any], second: list[Any]) -> bool:
    plain = (str, tuple, type(None))
    return len(first) == len(second) and all(
        a is b or (isinstance(a, plain) and type(a) is type(b) and a == b) for a, b in zip(first, second, strict=True)
    )


def _noise_content(noise: Any) -> Any:
    passes = [_pass_content(one) for one in noise._custom_noise_passes]
    errors = stable(_without_ids(noise.to_dict(serializable=True)["errors"]), "The noise model")
    errors = sorted(json.dumps(error, sort_keys=True) for error in errors)  # Aer's order is that of hashes
    return {"class": name_of(type(noise)), "errors": errors, "gates": sorted(noise._basis_gates), "passes": passes}


def _pass_content(noise_pass: Any) -> Any:
    """Write a pass of a noise model: noise of idle times and the like, which its dictionary leaves out."""
    left_out = ("_hash", "property_set")  # another in each process; what the transpiler notes while it works
    attributes = {name: value for name, value in attributes_of(noise_pass).items() if name not in left_out}
    function = attributes.get("_func")
    if isinstance(function, MethodType) and function.__self__ is noise_pass:
        attributes["_func"] = function.__func__.__qualname__
    return [name_of(type(noise_pass)), stable(attributes, "The noise model")]


def _without_ids(value: Any) -> Any:
    """Drop the random ids that Aer gives to the errors of a noise model."""
    if isinstance(value, dict):
        return {key: _without_ids(item) for key, item in value.items() if key != "id"}
    return [_without_ids(item) for item in value] if isinstance(value, list) else value
