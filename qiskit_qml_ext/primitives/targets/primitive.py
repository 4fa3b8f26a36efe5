"""A primitive that the user holds already."""

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.transpiler import PassManager


class PrimitiveTarget:
    """The user's own V2 primitives, used as they are; their own default shots and seeds apply."""

    num_qubits = None
    default_shots = None
    max_executions_per_job = 10_000_000

    def __init__(
        self,
        sampler: BaseSamplerV2 | None = None,
        estimator: BaseEstimatorV2 | None = None,
        pass_manager: PassManager | None = None,
    ):
        for kind, expected, primitive in (
            ("sampler", BaseSamplerV2, sampler),
            ("estimator", BaseEstimatorV2, estimator),
        ):
            if primitive is not None and not isinstance(primitive, expected):
                raise TypeError(
                    f"{kind} must be a {expected.__name__}, but a {type(primitive).__name__} came. "
                    "Version 1 primitives are not supported by Qiskit 2."
                )
        self._sampler = sampler
        self._estimator = estimator
        self._pass_manager = pass_manager
        self.name = type(sampler or estimator).__name__

    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return the user's sampler."""
        if self._sampler is None:
            raise ValueError("This needs a sampler, but only an estimator was given. Pass sampler=… too.")
        return self._sampler

    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return the user's estimator."""
        if self._estimator is None:
            raise ValueError("This needs an estimator, but only a sampler was given. Pass estimator=… too.")
        return self._estimator

    def pass_manager(self, optimization_level: int, seed: int | None) -> PassManager | None:
        """Return the user's pass manager."""
        return self._pass_manager

    def close(self) -> None:
        """Do nothing: the primitives belong to the user."""
