"""Kernels that learn something, which their copies know too."""

from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import Self

from qiskit_qml_ext.kernels.base import QuantumKernel


class LearningKernel(QuantumKernel):
    """A kernel with a ``fit``, whose clones know what it learned.

    scikit-learn clones the kernel of a model and never fits it, so that a clone which forgot would be of no use there.

    Attributes:
        learned: The names of the attributes that ``fit`` sets.
    """

    learned: ClassVar[tuple[str, ...]] = ()

    def __sklearn_is_fitted__(self) -> bool:
        return self.learned[0] in vars(self)

    def __sklearn_clone__(self) -> Self:
        copy = super().__sklearn_clone__()
        copy._learn({name: vars(self)[name] for name in self.learned if name in vars(self)})
        return copy

    def _learn(self, learned: Mapping[str, Any]) -> None:
        """Take over all that was learned at once, so that a fit which fails leaves nothing half done."""
        self.__dict__.update(learned)
