"""Exact simulation on this machine."""

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2, StatevectorEstimator, StatevectorSampler

from qiskit_qml_ext.primitives.targets.target import precision_of


class ExactTarget:
    """Exact states; shots, when asked for, are drawn from the exact probabilities."""

    name = "exact"
    num_qubits = None
    default_shots = None
    max_executions_per_job = 10_000_000

    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return a sampler of the exact distribution."""
        return StatevectorSampler(default_shots=shots, seed=seed)

    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return an estimator, exact when ``shots`` is ``None``."""
        return StatevectorEstimator(default_precision=precision_of(shots), seed=seed)

    def pass_manager(self, optimization_level: int, seed: int | None) -> None:
        """Return ``None``: any circuit can be simulated as it is."""

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""
