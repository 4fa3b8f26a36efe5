"""Qiskit Aer's simulators, with or without noise."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.transpiler import PassManager, generate_preset_pass_manager

from qiskit_qml_ext.primitives.targets.target import precision_of

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
        self.name = "aer" if simulator.name.startswith("aer_simulator") and not _is_noisy(simulator) else simulator.name
        self.num_qubits = int(simulator.num_qubits)

    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return Aer's sampler."""
        from qiskit_aer.primitives import SamplerV2

        return SamplerV2.from_backend(self.simulator, default_shots=shots, seed=seed)

    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return Aer's estimator."""
        from qiskit_aer.primitives import EstimatorV2

        options: dict[str, Any] = {"default_precision": precision_of(shots)}
        if seed is not None:
            options["run_options"] = {"seed_simulator": seed}
        return EstimatorV2.from_backend(self.simulator, options=options)

    def pass_manager(self, optimization_level: int, seed: int | None) -> PassManager:
        """Return a preset pass manager for the simulator's basis gates."""
        return generate_preset_pass_manager(optimization_level, backend=self.simulator, seed_transpiler=seed)

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""


def _is_noisy(simulator: "AerSimulator") -> bool:
    return getattr(simulator.options, "noise_model", None) is not None
