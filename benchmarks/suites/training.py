"""Training steps: value and all gradients of the mean of ⟨Z0⟩² over a batch."""

from benchmarks.contenders import rivals_in
from benchmarks.rows import Row, Target

CLAIM = (
    "A training step (RY encoding, layers of RY, RZ and a ring of CX; value and all gradients of the mean of ⟨Z0⟩²) "
    "for samples that stay and weights that change, in the precision of the rival: 20 times faster than the best rival "
    "at 4 and 8 qubits, 10 times at 10, 5 times at 12."
)

_SIZES = ((4, 4, 64, 20.0), (8, 4, 64, 20.0), (10, 6, 64, 10.0), (12, 6, 32, 5.0))
# TensorFlow Quantum rounds 1/π to six digits and differentiates the matrix of each gate by a finite difference: its
# gradients are right to some 1e-5.
_TOLERANCES = {"double": 1e-6, "single": 1e-4}


def rows(tiny: bool) -> list[Row]:
    """A row a size and precision."""
    return [
        Row(
            suite="training",
            title=f"{num_qubits} qubits, {layers} layers, {samples} samples, {precision}",
            case=case,
            rivals=rivals_in("training", case),
            target=Target(minimum_ratio=ratio),
            tolerance=_TOLERANCES[precision],
        )
        for num_qubits, layers, samples, ratio in (((2, 1, 3, 1.0),) if tiny else _SIZES)
        for precision in ("double", "single")
        for case in [
            {
                "kind": "training",
                "num_qubits": num_qubits,
                "layers": layers,
                "samples": samples,
                "precision": precision,
            }
        ]
    ]
