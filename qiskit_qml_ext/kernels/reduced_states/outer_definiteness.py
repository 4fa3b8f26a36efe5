"""Which kernels of scikit-learn are positive semi-definite for all vectors, whatever their dimension."""

from collections.abc import Callable
from typing import Any, TypeAlias

from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    Exponentiation,
    Kernel,
    Matern,
    PairwiseKernel,
    Product,
    RationalQuadratic,
    Sum,
    WhiteKernel,
)

IsDefinite: TypeAlias = Callable[[object], bool | None]

_PAIRWISE = ("linear", "cosine", "rbf", "laplacian")  # metrics; "sigmoid" is not, "chi2" for some vectors only


def _both(kernel: Any, of_part: IsDefinite) -> bool:
    return bool(of_part(kernel.k1) and of_part(kernel.k2))


def _power(kernel: Exponentiation, of_part: IsDefinite) -> bool:
    """Tell whether a power is one of Schur's products; a fractional one need not be definite."""
    exponent = float(kernel.exponent)
    return exponent >= 1 and exponent.is_integer() and bool(of_part(kernel.kernel))


_KNOWN: dict[type, Callable[[Any, IsDefinite], bool]] = {
    ConstantKernel: lambda kernel, _: kernel.constant_value >= 0,
    DotProduct: lambda *_: True,
    Exponentiation: _power,
    Matern: lambda kernel, _: kernel.nu > 0,
    PairwiseKernel: lambda kernel, _: kernel.metric in _PAIRWISE and kernel.gamma > 0,
    Product: _both,
    RBF: lambda *_: True,
    RationalQuadratic: lambda kernel, _: kernel.alpha > 0,
    Sum: _both,
    WhiteKernel: lambda kernel, _: kernel.noise_level >= 0,
}
"""By class what is known. ``ExpSineSquared`` is missing: it is definite on a line only."""


def is_definite(outer: "str | Kernel") -> bool | None:
    """Return whether the matrix of an outer kernel is positive semi-definite for all vectors; ``None`` if not known.

    Args:
        outer: One by name, all of which are, or a kernel of scikit-learn.
    """
    return True if isinstance(outer, str) else is_known_definite(outer, lambda _: None)


def is_known_definite(kernel: object, others: IsDefinite) -> bool | None:
    """Return whether a kernel of scikit-learn is positive semi-definite for all vectors; ``None`` if not known.

    Args:
        kernel: The kernel.
        others: Says it of kernels inside of it that are not scikit-learn's own.
    """
    known = _KNOWN.get(type(kernel))
    if known is None:
        return others(kernel)
    return True if known(kernel, lambda part: is_known_definite(part, others)) else None
