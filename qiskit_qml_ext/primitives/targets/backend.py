"""Any provider's ``BackendV2``, through Qiskit's generic backend primitives."""

import functools
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from qiskit import QuantumCircuit
from qiskit.primitives import (
    BackendEstimatorV2,
    BackendSamplerV2,
    BaseEstimatorV2,
    BaseSamplerV2,
    PrimitiveResult,
    SamplerPubResult,
)
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.providers import BackendV2
from qiskit.transpiler import PassManager, generate_preset_pass_manager
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.primitives.measurement import check_registers_of_counts
from qiskit_qml_ext.primitives.pricing import DEFAULT_REP_DELAY
from qiskit_qml_ext.primitives.pub_values import ESTIMATOR_VALUES, SAMPLER_VALUES, checked_pubs
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS, precision_of
from qiskit_qml_ext.primitives.targets.angle_bounds import for_any_angle
from qiskit_qml_ext.primitives.targets.clock import on_the_clock
from qiskit_qml_ext.primitives.targets.isa import phase_gates_as_rotations
from qiskit_qml_ext.primitives.targets.target import Target, refuse_options


class _BackendSampler(BackendSamplerV2):
    """Qiskit's sampler for backends, without registers that it reads wrongly."""

    def _run(self, pubs: list[SamplerPub]) -> PrimitiveResult[SamplerPubResult]:
        for pub in pubs:
            check_registers_of_counts(pub.circuit)
        return super()._run(pubs)


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

    @classmethod
    def of(cls, given: object, *, mode: str, options: Mapping[str, Any]) -> "BackendTarget | None":
        """Take any ``BackendV2``; it has its options itself."""
        if not isinstance(given, BackendV2):
            return None
        refuse_options(str(given.name), options)
        return cls(given)

    @property
    def device(self) -> DeviceTarget:
        """What the backend says of its qubits and gates."""
        return self.backend.target

    @property
    def rep_delay(self) -> float:
        """The backend's own time in seconds between two shots, or the usual one if it has none to set."""
        delay = getattr(self.backend, "default_rep_delay", None)
        if not isinstance(delay, (int, float)) or delay <= 0:
            return DEFAULT_REP_DELAY
        return float(delay) if delay < 0.1 else float(delay) * 1e-6  # older devices report microseconds

    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return Qiskit's sampler for backends."""
        return with_values_checked(_BackendSampler, SAMPLER_VALUES)(
            backend=self.backend, options={"default_shots": shots, "seed_simulator": seed}
        )

    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return Qiskit's estimator for backends."""
        precision = precision_of(shots or self.default_shots)
        return with_values_checked(BackendEstimatorV2, ESTIMATOR_VALUES)(
            backend=self.backend, options={"default_precision": precision, "seed_simulator": seed}
        )

    def transpile(self, circuit: QuantumCircuit, optimization_level: int, seed: int | None) -> QuantumCircuit:
        """Run the backend's preset pass manager."""
        device, rotations = self.device, on_the_clock(phase_gates_as_rotations(circuit), self.device)
        if circuit.parameters:
            device = for_any_angle(device)
        return _pass_manager(self.backend, device, optimization_level, seed).run(rotations)


@functools.cache
def with_values_checked(primitive: Any, place: int) -> Any:
    """Return a primitive's class, by the same name, that refuses parameter values which nobody can have meant."""

    def run(self: Any, pubs: Iterable[Any], **options: Any) -> Any:
        return primitive.run(self, checked_pubs(pubs, place), **options)

    kept = {name: getattr(primitive, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(primitive.__name__, (primitive,), {**kept, "run": functools.wraps(primitive.run)(run)})


def _pass_manager(backend: BackendV2, device: DeviceTarget, level: int, seed: int | None) -> PassManager:
    """Return the preset pass manager of a backend, or the same for a device that differs from what it states."""
    if device is backend.target:
        return generate_preset_pass_manager(level, backend=backend, seed_transpiler=seed)
    stages = {
        f"{stage}_method": getattr(backend, f"get_{stage}_stage_plugin")()
        for stage in ("translation", "scheduling")
        if hasattr(backend, f"get_{stage}_stage_plugin")
    }
    return generate_preset_pass_manager(level, target=device, seed_transpiler=seed, **stages)
