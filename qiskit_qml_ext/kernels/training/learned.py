"""Kernels that learn something from samples and their labels."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from typing_extensions import Self

from qiskit_qml_ext.kernels.base import QuantumKernel


class LearningKernel(QuantumKernel):
    """A kernel with a ``fit`` that looks at labels; see :class:`~qiskit_qml_ext.kernels.LearnsFromLabels`.

    A clone begins anew, as those of all of scikit-learn's estimators do: what a model or a search clones has seen none
    of the labels that it will be tested with. Models of this package then train it on their own training samples. What
    was learned is kept by :meth:`frozen`, and by copies that run elsewhere (``with_connection``, ``exact_copy``).

    Attributes:
        learned: The names of the attributes that ``fit`` sets.
        task: What it takes ``y`` for: ``"classification"`` or ``"regression"``.
    """

    learned: ClassVar[tuple[str, ...]] = ()
    task: str

    @property
    def learns(self) -> bool:
        """Whether ``fit`` finds something that its arguments leave open."""
        return True

    @abstractmethod
    def frozen(self) -> QuantumKernel:
        """Return a kernel with what was learned as its arguments, which clones keep and models do not train.

        Labels that it was trained with must have no part in the data that a model is tested with or C is chosen by, or
        scores are too good.

        Raises:
            NotFittedError: If nothing was learned yet.
        """

    def __sklearn_is_fitted__(self) -> bool:
        return not self.learns or self.learned[0] in vars(self)

    def _take_over(self, other: Self) -> None:
        super()._take_over(other)
        self._learn({name: vars(other)[name] for name in self.learned if name in vars(other)})

    def _learn(self, learned: Mapping[str, Any]) -> None:
        """Take over all that was learned at once, so that a fit which fails leaves nothing half done."""
        self.__dict__.update(learned)

    def _forget(self) -> None:
        for name in self.learned:
            self.__dict__.pop(name, None)

    def _untrained(self, instead: str) -> NotFittedError:
        """Return the error of a kernel that is used before its training.

        Args:
            instead: What to take where nothing is to be trained.
        """
        return NotFittedError(
            f"This {type(self).__name__} is not trained yet. Call fit(X, y) first, give it to a model of "
            f"qiskit_qml_ext.models, which trains it on its own training samples, or take {instead}. Clones begin "
            "anew: where scikit-learn clones a kernel that was trained, give it kernel.frozen()."
        )


def frozen_copy(kernel: Any) -> Any:
    """Return a copy of a kernel that keeps what it learned when it is cloned: ``frozen()``, or a clone."""
    if isinstance(kernel, LearningKernel) and kernel.learns:
        return kernel.frozen()
    return clone(kernel, safe=False)
