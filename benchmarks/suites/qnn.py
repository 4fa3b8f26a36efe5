"""qiskit-machine-learning's EstimatorQNN with our primitives and with its own."""

from benchmarks.contenders import rivals_in
from benchmarks.rows import Row

CLAIM = (
    "EstimatorQNN, forward and backward pass: with ExactEstimator and AdjointEstimatorGradient against its default "
    "(StatevectorEstimator and parameter shift)."
)

_SIZES = ((4, 4, 64), (8, 4, 64))


def rows(tiny: bool) -> list[Row]:
    """One row a size; there is no target but to be faster."""
    return [
        Row(
            suite="qnn",
            title=f"{num_qubits} qubits, {layers} layers, {samples} samples",
            case=case,
            rivals=rivals_in("qnn", case),
        )
        for num_qubits, layers, samples in (((2, 1, 3),) if tiny else _SIZES)
        for case in [{"kind": "qnn", "num_qubits": num_qubits, "layers": layers, "samples": samples}]
    ]
