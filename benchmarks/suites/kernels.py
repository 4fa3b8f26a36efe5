"""Whole kernel matrices of the ZZ feature map."""

from benchmarks.contenders import others_in, rivals_in
from benchmarks.rows import Row, Target

CLAIM = (
    "A whole kernel matrix, against each rival's own kernel function (for Aer: states, then BLAS): 100 times faster "
    "than the best at 4 and 8 qubits, 30 times at 12, 10 times at 16."
)

_SIZES = ((4, 200, 100.0), (8, 200, 100.0), (12, 200, 30.0), (16, 50, 10.0))


def rows(tiny: bool) -> list[Row]:
    """One row a size. Packages without a kernel function of their own take part with states and BLAS."""
    return [
        Row(
            suite="kernels",
            title=f"{num_qubits} qubits, {samples} samples",
            case=case,
            rivals=rivals_in("kernels", case),
            others=others_in("kernels", case),
            target=Target(minimum_ratio=ratio),
        )
        for num_qubits, samples, ratio in (((3, 6, 1.0),) if tiny else _SIZES)
        for case in [{"kind": "kernel", "num_qubits": num_qubits, "samples": samples}]
    ]
