"""Any provider's ``BackendV2``, through Qiskit's generic backend primitives."""

import copy
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

from qiskit import QuantumCircuit
from qiskit.primitives import (
    BackendEstimatorV2,
    BackendSamplerV2,
    BaseEstimatorV2,
    BaseSamplerV2,
    PrimitiveResult,
    SamplerPubResult,
)
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.providers import BackendV2
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.primitives.measurement import check_registers_of_counts
from qiskit_qml_ext.primitives.pricing import DEFAULT_REP_DELAY, CircuitPrice
from qiskit_qml_ext.primitives.pub_values import ESTIMATOR_VALUES, SAMPLER_VALUES, checked_pubs
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS, precision_of
from qiskit_qml_ext.primitives.targets.angle_bounds import for_any_angle
from qiskit_qml_ext.primitives.targets.clock import on_the_clock
from qiskit_qml_ext.primitives.targets.fractional import (
    folded_form,
    has_fractional_gates,
    uses_fractional_gates,
    with_angles_folded,
    without_fractional_gates,
)
from qiskit_qml_ext.primitives.targets.isa import best_of, phase_gates_as_rotations
from qiskit_qml_ext.primitives.targets.target import Fractional, Target, refuse_options
from qiskit_qml_ext.primitives.targets.transpiling import pass_manager_for


class _BackendSampler(BackendSamplerV2):
    """Qiskit's sampler for backends, without registers that it reads wrongly."""

    def _run(self, pubs: list[SamplerPub]) -> PrimitiveResult[SamplerPubResult]:
        for pub in pubs:
            check_registers_of_counts(pub.circuit)
        return super()._run(pubs)


class _Devices(NamedTuple):
    """What is known of a backend's qubits and gates."""

    stated: DeviceTarget
    """As the backend states it."""
    whole: DeviceTarget
    """The same with bounds of angles."""
    wanted: DeviceTarget
    """That without the gates that are not wanted."""


class BackendTarget(Target):
    """Any ``BackendV2`` that is not IBM's, through Qiskit's generic backend primitives."""

    given: ClassVar[tuple[str, ...]] = ("a BackendV2",)
    default_shots: int = DEFAULT_SHOTS
    draws_by_seed = True  # it may be a simulator
    backend: BackendV2

    def __init__(self, backend: BackendV2):
        self.backend = backend
        self.name = str(backend.name)
        self.num_qubits = backend.num_qubits
        self._devices: _Devices | None = None

    @classmethod
    def of(cls, given: object, *, mode: str, options: Mapping[str, Any]) -> "BackendTarget | None":
        """Take any ``BackendV2``; it has its options itself."""
        if not isinstance(given, BackendV2):
            return None
        refuse_options(str(given.name), options)
        return cls(given)

    @property
    def device(self) -> DeviceTarget:
        """What the backend says of its qubits and gates, without fractional ones where they are not wanted."""
        return self._known_devices().wanted

    @property
    def whole_device(self) -> DeviceTarget:
        """What the backend says of its qubits and gates, all of them."""
        return self._known_devices().whole

    def _known_devices(self) -> "_Devices":
        stated = self.backend.target
        if self._devices is None or self._devices.stated is not stated:
            whole = self._bounded(stated)
            self._devices = _Devices(
                stated, whole, whole if self._may_be_fractional else without_fractional_gates(whole)
            )
        return self._devices

    @property
    def _may_be_fractional(self) -> bool:
        """Whether circuits may have fractional gates, if the backend has some."""
        return self.fractional is not False

    def _bounded(self, stated: DeviceTarget) -> DeviceTarget:
        """Return what a backend states together with bounds of angles that are known otherwise."""
        return stated

    def with_fractional(self, choice: Fractional) -> "BackendTarget":
        """Return the same target with another choice of gates; see :attr:`Target.fractional`.

        Raises:
            ValueError: If fractional gates are wanted of a backend that has none.
        """
        other = copy.copy(self)
        other.fractional, other._devices = choice, None
        if choice is True and not has_fractional_gates(other.device):
            raise ValueError(
                f"fractional=True came, but {self.name} has no fractional gates (R_ZZ from 0 to π/2 and R_X of any "
                "angle). IBM's Heron processors have them, if they are asked for: name the device, or pass "
                "service.backend(name, use_fractional_gates=True). Otherwise leave fractional out."
            )
        return other

    @property
    def rep_delay(self) -> float:
        """The backend's own time in seconds between two shots, or the usual one if it has none to set."""
        delay = getattr(self.backend, "default_rep_delay", None)
        if not isinstance(delay, (int, float)) or delay <= 0:
            return DEFAULT_REP_DELAY
        return float(delay) if delay < 0.1 else float(delay) * 1e-6  # older devices report microseconds

    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return Qiskit's sampler for backends."""
        return with_values_prepared(_BackendSampler, SAMPLER_VALUES, _device_of)(
            backend=self.backend, options={"default_shots": shots, "seed_simulator": seed}
        )

    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return Qiskit's estimator for backends."""
        precision = precision_of(shots or self.default_shots)
        return with_values_prepared(BackendEstimatorV2, ESTIMATOR_VALUES, _device_of)(
            backend=self.backend, options={"default_precision": precision, "seed_simulator": seed}
        )

    def transpile(self, circuit: QuantumCircuit, optimization_level: int, seed: int | None) -> QuantumCircuit:
        """Run the backend's preset pass manager, for each of its sets of gates, and return the best result."""
        rotations, tries = on_the_clock(phase_gates_as_rotations(circuit), self.device), []
        for device in self.gate_sets(circuit):
            manager = pass_manager_for(
                device, optimization_level, seed, num_qubits=circuit.num_qubits, backend=self.backend
            )
            tries.append(manager.run(rotations))
            if not uses_fractional_gates(tries[-1]):
                break  # nothing would be otherwise without them
        return best_of(tries, self.device)

    def gate_sets(self, circuit: QuantumCircuit) -> tuple[DeviceTarget, ...]:
        """Return the device with the gates that a circuit may be transpiled to: with fractional gates and without."""
        device = for_any_angle(self.device, circuit)
        may_do_without = self.fractional == "auto" and has_fractional_gates(device)
        return (device, without_fractional_gates(device)) if may_do_without else (device,)

    def price(self, circuit: QuantumCircuit) -> CircuitPrice:
        """Return what a circuit in the target's own gates takes there, with the gates that folding its angles adds."""
        return super().price(folded_form(circuit, self.device))


@functools.cache
def with_values_checked(primitive: Any, place: int) -> Any:
    """Return a primitive's class, by the same name, that refuses parameter values which nobody can have meant."""

    def run(self: Any, pubs: Iterable[Any], **options: Any) -> Any:
        return primitive.run(self, checked_pubs(pubs, place), **options)

    kept = {name: getattr(primitive, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(primitive.__name__, (primitive,), {**kept, "run": functools.wraps(primitive.run)(run)})


def with_values_prepared(primitive: Any, place: int, device_of: Callable[[Any], DeviceTarget]) -> Any:
    """Return a primitive's class that refuses values which nobody can have meant, and folds angles of R_ZZ.

    Args:
        primitive: The class of a backend's primitive.
        place: :data:`SAMPLER_VALUES` or :data:`ESTIMATOR_VALUES`.
        device_of: Returns the device of a primitive of the class.
    """
    kind = SamplerPub if place == SAMPLER_VALUES else EstimatorPub
    return with_values_checked(with_angles_folded(primitive, kind, device_of), place)


def _device_of(primitive: Any) -> DeviceTarget:
    return primitive._backend.target
