"""The Walsh coefficients of a function of the Hamming weight."""

from math import comb

import numpy as np

from qiskit_qml_ext.arrays import FloatArray


def walsh_coefficients(values: FloatArray) -> FloatArray:
    """Return Σ_z f(|z|) (-1)^(u·z) / 2ⁿ for |u| = 0, …, n.

    Outcomes z with h ones, j of them where u has ones, contribute (-1)^j C(w, j) C(n - w, h - j) for |u| = w: these
    sums are Krawtchouk polynomials. The factor 2⁻ⁿ keeps the numbers below max |f|.

    Args:
        values: f(0), …, f(n), shape (n + 1,).

    Returns:
        Shape (n + 1,).

    Examples:
        >>> import numpy as np
        >>> (8 * walsh_coefficients(np.array([1.0, 1.0, 0.0, 0.0]))).tolist()
        [4.0, 2.0, 0.0, -2.0]
    """
    n = len(values) - 1
    # whole numbers of any size: in floating point, wide registers would lose the small sums of large terms
    table = [
        [sum((-1) ** j * comb(w, j) * comb(n - w, h - j) for j in range(min(w, h) + 1)) for h in range(n + 1)]
        for w in range(n + 1)
    ]
    scaled = [[number / 2**n for number in row] for row in table]
    coefficients: FloatArray = np.array(scaled) @ values
    return coefficients
