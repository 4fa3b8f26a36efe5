"""Qiskit Aer's simulators, with or without noise."""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.transpiler import generate_preset_pass_manager

from qiskit_qml_ext.exceptions import NoiseWithoutEffectWarning
from qiskit_qml_ext.primitives.targets.aer_binding import Rules, refuse_free_stabilizers
from qiskit_qml_ext.primitives.targets.aer_noise import KeptGates, acts_on, names_with_errors, noise_of, without_effect
from qiskit_qml_ext.primitives.targets.target import phase_gates_as_rotations, precision_of

if TYPE_CHECKING:
    from qiskit_aer import AerSimulator

# Circuits side by side instead of threads inside each of many small ones: ten times faster for a kernel of 4 qubits.
_DEFAULT_OPTIONS: Mapping[str, Any] = {"max_parallel_experiments": 0}


class AerTarget:
    """An ``AerSimulator``, run through Aer's own V2 primitives.

    Args:
        simulator: The simulator; ``None`` makes one with ``backend_options``.
        backend_options: Options of ``AerSimulator`` (``method``, ``noise_model``, ``device``, …), for ``None`` only.
    """

    default_shots = 1024
    max_executions_per_job = 10_000_000

    def __init__(self, simulator: "AerSimulator | None" = None, backend_options: Mapping[str, Any] | None = None):
        from qiskit_aer import AerSimulator

        if simulator is None:
            simulator = AerSimulator(**{**_DEFAULT_OPTIONS, **(backend_options or {})})
        elif backend_options:
            raise TypeError(
                f"The options {', '.join(sorted(backend_options))} came together with an AerSimulator. "
                "Set them on the simulator itself."
            )
        self.simulator = simulator
        self.name = "aer" if simulator.name.startswith("aer_simulator") and getattr(simulator.options, "noise_model", None) is None else simulator.name
        self.num_qubits = int(simulator.num_qubits)

    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return Aer's sampler, with our care for the values of gates."""
        from qiskit_qml_ext.primitives.targets.aer_primitives import AerSampler

        return AerSampler.from_backend(self.simulator, default_shots=shots, seed=seed)

    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return Aer's estimator, with our care for the values of gates."""
        from qiskit_qml_ext.primitives.targets.aer_primitives import AerEstimator

        options: dict[str, Any] = {"default_precision": precision_of(shots)}
        if seed is not None:
            options["run_options"] = {"seed_simulator": seed}
        return AerEstimator.from_backend(self.simulator, options=options)

    def transpile(self, circuit: QuantumCircuit, optimization_level: int, seed: int | None) -> QuantumCircuit:
        """Transpile for the simulator's gates.

        Gates on which a noise model has errors stay as they are, so that the errors act; a simulator of a device, with
        its coupling map, is transpiled for as the device is.

        Raises:
            UnsupportedCircuitError: If the stabilizer method is to run free parameters.
        """
        rules = Rules.of(self.simulator, {})
        refuse_free_stabilizers(circuit, rules)
        noise = noise_of(self.simulator)
        kept = KeptGates(names_with_errors(noise) if noise is not None and not self._is_device else frozenset())
        hidden = phase_gates_as_rotations(kept.hide(circuit) if kept.names else circuit)
        device = kept.allow(self.simulator.target) if kept.names else self.simulator.target
        manager = generate_preset_pass_manager(optimization_level, target=device, seed_transpiler=seed)
        isa = kept.restore(manager.run(hidden)) if kept.names else manager.run(hidden)
        if noise is not None and names_with_errors(noise) and not acts_on(noise, isa):
            warnings.warn(without_effect(noise, isa), NoiseWithoutEffectWarning, stacklevel=2)
        return isa

    @property
    def _is_device(self) -> bool:
        return self.simulator.coupling_map is not None

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""

