"""A primitive that the user holds already."""

from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2, StatevectorEstimator, StatevectorSampler
from qiskit.transpiler import PassManager

from qiskit_qml_ext.primitives.exact import ExactEstimator, ExactSampler
from qiskit_qml_ext.primitives.targets.isa import phase_gates_as_rotations
from qiskit_qml_ext.primitives.targets.target import Target

_EXACT_ESTIMATORS = (ExactEstimator, StatevectorEstimator)


class PrimitiveTarget(Target):
    """The user's own V2 primitives; their own default shots and seeds apply.

    They are used as they are, but for Aer's, which put values into some gates wrongly: ours take their place.
    """

    may_repeat_noise = True  # of a seed that they hold

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
        self._sampler = with_values_right(sampler)
        self._estimator = with_values_right(estimator)
        self._pass_manager = pass_manager
        self.name = type(sampler or estimator).__name__
        runs_matrices = isinstance(sampler or estimator, (*_EXACT_ESTIMATORS, ExactSampler, StatevectorSampler))
        self.applies_matrices = runs_matrices and pass_manager is None
        self.draws_normal_noise = isinstance(estimator, _EXACT_ESTIMATORS)

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

    def transpile(self, circuit: QuantumCircuit, optimization_level: int, seed: int | None) -> QuantumCircuit | None:
        """Run the user's pass manager, if there is one."""
        return None if self._pass_manager is None else self._pass_manager.run(phase_gates_as_rotations(circuit))


def computes_values(primitive: Any) -> bool:
    """Tell whether an estimator computes values and adds noise, instead of measuring."""
    return isinstance(primitive, _EXACT_ESTIMATORS) or _is_of_aer(primitive)


def _is_of_aer(primitive: Any) -> bool:
    return any(cls.__module__.startswith("qiskit_aer.") for cls in type(primitive).mro())


def with_values_right(primitive: Any) -> Any:
    """Return a primitive that puts values into every gate rightly: ours for Aer's own, any other as it is."""
    if not _is_of_aer(primitive):
        return primitive
    from qiskit_qml_ext.primitives.targets.aer.primitives import bound_right

    return bound_right(primitive)
