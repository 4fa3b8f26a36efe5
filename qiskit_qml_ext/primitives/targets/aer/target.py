"""Qiskit Aer's simulators, with or without noise."""

import difflib
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.transpiler import PassManager, generate_preset_pass_manager
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.arrays import UintArray
from qiskit_qml_ext.exceptions import NoiseWithoutEffectWarning
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS, precision_of
from qiskit_qml_ext.primitives.targets.aer.binding import Rules, refuse_free_stabilizers
from qiskit_qml_ext.primitives.targets.aer.noise import KeptGates, acts_on, names_with_errors, noise_of, without_effect
from qiskit_qml_ext.primitives.targets.checked_primitives import ESTIMATOR, SAMPLER, circuits_of, with_pubs_checked
from qiskit_qml_ext.primitives.targets.client.circuits import refuse_foreign
from qiskit_qml_ext.primitives.targets.isa import phase_gates_as_rotations
from qiskit_qml_ext.primitives.targets.target import Target
from qiskit_qml_ext.primitives.targets.transpiling import pass_manager_for

if TYPE_CHECKING:
    from qiskit_aer import AerSimulator

# Circuits side by side instead of threads inside each of many small ones: ten times faster for a kernel of 4 qubits.
_DEFAULT_OPTIONS: Mapping[str, Any] = {"max_parallel_experiments": 0}


class AerTarget(Target):
    """An ``AerSimulator``, run through Aer's own V2 primitives.

    Args:
        simulator: The simulator; ``None`` makes one with ``backend_options``.
        backend_options: Options of ``AerSimulator`` (``method``, ``noise_model``, ``device``, …), for ``None`` only.
    """

    given = ("'aer'", "an AerSimulator")
    draws_normal_noise = True
    draws_by_seed = True
    backend: "AerSimulator"

    def __init__(self, simulator: "AerSimulator | None" = None, backend_options: Mapping[str, Any] | None = None):
        from qiskit_aer import AerSimulator

        if simulator is None:
            simulator = _made({**_DEFAULT_OPTIONS, **(backend_options or {})})
        elif backend_options:
            raise TypeError(
                f"The options {', '.join(sorted(backend_options))} came together with an AerSimulator. "
                "Set them on the simulator itself."
            )
        self.backend = simulator
        self.name = (
            "aer"
            if simulator.name.startswith("aer_simulator") and getattr(simulator.options, "noise_model", None) is None
            else simulator.name
        )
        self.num_qubits = int(simulator.num_qubits)
        own_shots = getattr(simulator.options, "shots", None)
        usual = AerSimulator._default_options().shots
        self.default_shots = DEFAULT_SHOTS if own_shots in (None, usual) else int(own_shots)

    @classmethod
    def of(cls, given: object, *, mode: str, options: Mapping[str, Any]) -> "AerTarget | None":
        """Take ``"aer"``, with options of ``AerSimulator``, and a simulator that has its own."""
        if isinstance(given, str):
            return cls(backend_options=options) if given == "aer" else None
        return cls(given, options) if _is_simulator(given) else None

    @property
    def device(self) -> DeviceTarget | None:
        """What the simulator of a device says of the device's qubits and gates; ``None`` for others."""
        stated: DeviceTarget = self.backend.target
        return None if stated.build_coupling_map() is None else stated

    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return Aer's sampler, with our care for the values of gates."""
        from qiskit_qml_ext.primitives.targets.aer.primitives import AerSampler

        return self._checked(AerSampler, SAMPLER).from_backend(self.backend, default_shots=shots, seed=seed)

    def sampler_of_rows(self, circuit: QuantumCircuit, seeds: UintArray) -> BaseSamplerV2 | None:
        """Return a sampler that seeds each row, where only the final measurement is random."""
        from qiskit_qml_ext.primitives.targets.aer.rows import AerSamplerOfRows, draws_from_probabilities

        return AerSamplerOfRows(self.backend, seeds) if draws_from_probabilities(self.backend, circuit) else None

    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return Aer's estimator, with our care for the values of gates."""
        from qiskit_qml_ext.primitives.targets.aer.primitives import AerEstimator

        options: dict[str, Any] = {"default_precision": precision_of(shots)}
        if seed is not None:
            options["run_options"] = {"seed_simulator": seed}
        return self._checked(AerEstimator, ESTIMATOR).from_backend(self.backend, options=options)

    def refuse_circuit(self, circuit: QuantumCircuit, primitive: str) -> None:
        """Raise for instructions that the device does not have which the simulator stands for, if it does for one."""
        if self.device is not None:
            refuse_foreign(self.name, circuit, self.device)

    def _checked(self, kind: Any, primitive: str) -> Any:
        """Return a class of primitives that refuse what the device would, if the simulator stands for one."""

        def refuse(pubs: list[Any], asked: Any) -> None:
            for circuit in circuits_of(pubs):
                self.refuse_circuit(circuit, primitive)

        return kind if self.device is None else with_pubs_checked(kind, refuse)

    def transpile(self, circuit: QuantumCircuit, optimization_level: int, seed: int | None) -> QuantumCircuit:
        """Transpile for the simulator's gates.

        Gates that a noise model knows stay as they are, at every level, so that its errors act on them and on nothing
        else; other gates are translated into these. For a simulator of a device, which has a coupling map, circuits are
        transpiled as for the device.

        Raises:
            UnsupportedCircuitError: If the stabilizer method is to run free parameters.
        """
        rules = Rules.of(self.backend, {})
        refuse_free_stabilizers(circuit, rules)
        noise, known = noise_of(self.backend), self.backend.target
        if self.device is not None:
            manager = pass_manager_for(self.device, optimization_level, seed, num_qubits=circuit.num_qubits)
            return manager.run(phase_gates_as_rotations(circuit))
        if noise is None:
            return self._manager(known, optimization_level, seed).run(phase_gates_as_rotations(circuit))
        kept = KeptGates(names_with_errors(noise), frozenset(known.operation_names))
        hidden = phase_gates_as_rotations(kept.hide(circuit))
        isa = kept.restore(self._manager(kept.allow(known), optimization_level, seed).run(hidden))
        if names_with_errors(noise) and not acts_on(noise, isa):
            warnings.warn(without_effect(noise, isa), NoiseWithoutEffectWarning, stacklevel=2)
        return isa

    @staticmethod
    def _manager(known: DeviceTarget, level: int, seed: int | None) -> PassManager:
        return generate_preset_pass_manager(level, target=known, seed_transpiler=seed)


def _is_simulator(given: object) -> "TypeGuard[AerSimulator]":
    """Tell whether something is an ``AerSimulator``, without loading Aer to find out."""
    return any(cls.__module__.startswith("qiskit_aer") and cls.__name__ == "AerSimulator" for cls in type(given).mro())


def _made(options: Mapping[str, Any]) -> "AerSimulator":
    from qiskit_aer import AerError, AerSimulator

    try:
        return AerSimulator(**options)
    except AerError as error:
        unknown = [name for name in options if error.message.strip("'\"") == f"Invalid option {name}"]
        if not unknown:
            raise
        near = difflib.get_close_matches(unknown[0], AerSimulator._default_options().__dict__, n=3, cutoff=0.5)
        raise TypeError(
            f"The target aer does not know the option {unknown[0]}. Options are those of AerSimulator, such as "
            f"{', '.join(near or ('method', 'noise_model', 'device'))}."
        ) from error
