"""The first training step of a circuit that nobody has seen before."""

from benchmarks.contenders import rivals_in
from benchmarks.rows import Row, Target

CLAIM = (
    "The first value and gradients of a new circuit, from its list of gates (every call has another structure): "
    "under 50 ms."
)

_SIZES = ((4, 4, 64), (8, 4, 64), (10, 6, 64), (12, 6, 32))


def rows(tiny: bool) -> list[Row]:
    """One row a size."""
    return [
        Row(
            suite="first_call",
            title=f"{num_qubits} qubits, {layers} layers, {samples} samples",
            case=case,
            rivals=rivals_in("first_call", case),
            target=Target(maximum_seconds=0.05),
        )
        for num_qubits, layers, samples in (((2, 1, 3),) if tiny else _SIZES)
        for case in [{"kind": "first_call", "num_qubits": num_qubits, "layers": layers, "samples": samples}]
    ]
