"""The quantum kernels inside of a kernel: in a cache, a combination, a covariance function of scikit-learn."""

from collections.abc import Iterable

from qiskit_machine_learning.kernels import BaseKernel, FidelityStatevectorKernel
from sklearn.gaussian_process.kernels import Kernel as ClassicalKernel

from qiskit_qml_ext.kernels.abilities import PlansRuns, StatesErrors
from qiskit_qml_ext.kernels.base import QuantumKernel, connections_of
from qiskit_qml_ext.kernels.methods import ChosenMethod, CircuitMethod
from qiskit_qml_ext.kernels.reduced_states.outer_definiteness import is_known_definite


def quantum_leaves(kernel: object) -> list[object]:
    """Return the quantum kernels that a kernel is made of: itself, unless it has others among its arguments."""
    get = getattr(kernel, "get_params", None)
    held = get(deep=False).values() if callable(get) and not isinstance(kernel, type) else ()
    inside = [leaf for value in _flat(held) if _holds(value) for leaf in quantum_leaves(value)]
    if inside or not isinstance(kernel, (BaseKernel, StatesErrors, PlansRuns)):
        return inside
    return [kernel]


def may_run_circuits(leaf: object, num_features: int) -> bool:
    """Whether a quantum kernel runs circuits that have a price; one that is not ours may."""
    if not isinstance(leaf, QuantumKernel):
        return not isinstance(leaf, FidelityStatevectorKernel)
    choose = getattr(leaf, "chosen_method", None)
    if choose is None:
        return not all(one.is_exact for one in connections_of(leaf))
    chosen: ChosenMethod = choose(num_features)
    return isinstance(chosen.method, CircuitMethod)


def is_positive_semidefinite(kernel: object) -> bool | None:
    """Return what a kernel says of itself, of one of scikit-learn what is known; ``None`` if nothing is."""
    return is_known_definite(kernel, lambda one: getattr(one, "is_positive_semidefinite", None))


def _holds(value: object) -> bool:
    return isinstance(value, (BaseKernel, ClassicalKernel, StatesErrors)) and not isinstance(value, type)


def _flat(values: Iterable[object]) -> Iterable[object]:
    """Yield values, and those in lists and tuples among them."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        else:
            yield value
