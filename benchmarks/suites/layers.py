"""What PyTorch adds to a step of a quantum layer."""

from benchmarks.contenders import rivals_in
from benchmarks.rows import Row, Target

CLAIM = (
    "A hybrid layer, forward and backward pass of the mean of ⟨Z0⟩²: PyTorch adds less than 100 µs to the same step by "
    "calls in NumPy."
)

_SIZES = ((4, 4, 64), (8, 4, 64))


def rows(tiny: bool) -> list[Row]:
    """A row a size."""
    return [
        Row(
            suite="layers",
            title=f"{num_qubits} qubits, {layers} layers, {samples} samples",
            case=case,
            rivals=rivals_in("layers", case),
            target=Target(maximum_added_seconds=1e-4),
        )
        for num_qubits, layers, samples in (((2, 1, 3),) if tiny else _SIZES)
        for case in [{"kind": "layer_step", "num_qubits": num_qubits, "layers": layers, "samples": samples}]
    ]
