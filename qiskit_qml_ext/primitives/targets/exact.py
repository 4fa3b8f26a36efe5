"""Exact simulation on this machine."""

from collections.abc import Mapping
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2

from qiskit_qml_ext.arrays import UintArray
from qiskit_qml_ext.checks import optional_whole_number
from qiskit_qml_ext.primitives.exact import ExactEstimator, ExactSampler
from qiskit_qml_ext.primitives.exact.row_seeds import SamplerOfRows
from qiskit_qml_ext.primitives.shots import precision_of
from qiskit_qml_ext.primitives.targets.target import Target, refuse_options

_OPTIONS = {"dtype", "max_memory"}


class ExactTarget(Target):
    """Exact states; shots, when asked for, are drawn from the exact probabilities.

    Args:
        dtype: ``"complex128"`` or ``"complex64"``.
        max_memory: The largest amount of memory for states in bytes; ``None`` for a share of what is free.
    """

    name = "exact"
    given = ("'exact'",)
    is_exact = True
    applies_matrices = True
    draws_normal_noise = True
    draws_by_seed = True

    def __init__(self, dtype: str = "complex128", max_memory: int | None = None):
        if dtype not in ("complex128", "complex64"):
            raise ValueError(f"dtype must be 'complex128' or 'complex64', but {dtype!r} came.")
        self.dtype = dtype
        self.max_memory = optional_whole_number("max_memory", max_memory)

    @classmethod
    def of(cls, given: object, *, mode: str, options: Mapping[str, Any]) -> "ExactTarget | None":
        """Take ``None`` and ``"exact"``."""
        if given is not None and not (isinstance(given, str) and given == cls.name):
            return None
        refuse_options(cls.name, options.keys() - _OPTIONS)
        return cls(**options)

    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return a sampler of the exact distribution."""
        return ExactSampler(default_shots=shots, seed=seed, dtype=self.dtype, max_memory=self.max_memory)

    def sampler_of_rows(self, circuit: QuantumCircuit, seeds: UintArray) -> BaseSamplerV2:
        """Return a sampler of the exact distribution that seeds each row."""
        return SamplerOfRows(seeds, dtype=self.dtype, max_memory=self.max_memory)

    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return an estimator, exact when ``shots`` is ``None``."""
        return ExactEstimator(
            default_precision=precision_of(shots), seed=seed, dtype=self.dtype, max_memory=self.max_memory
        )

    def transpile(self, circuit: QuantumCircuit, optimization_level: int, seed: int | None) -> None:
        """Return ``None``: any circuit can be simulated as it is."""
