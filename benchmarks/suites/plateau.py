"""A point of a barren-plateau study: the variance of the loss and of all derivatives over random angles."""

from benchmarks.contenders import rivals_in
from benchmarks.rows import Row, Target

CLAIM = (
    "One width of the study of McClean et al. (arXiv:1803.11173): variances of the loss Z0 Z1 and of all its "
    "derivatives over random angles, from value and gradient at each sample."
)

_SIZES = ((4, 10, 200), (8, 10, 200), (12, 10, 200), (12, 100, 200))


def rows(tiny: bool) -> list[Row]:
    """One row a width, with no target but to be faster; then the whole study."""
    points = [
        Row(
            suite="plateau",
            title=f"{num_qubits} qubits, {layers} layers, {samples} samples",
            case=case,
            rivals=rivals_in("plateau", case),
        )
        for num_qubits, layers, samples in (((2, 1, 3),) if tiny else _SIZES)
        for case in [{"kind": "plateau", "num_qubits": num_qubits, "layers": layers, "samples": samples}]
    ]
    num_qubits, layers, samples = (3, 1, 4) if tiny else (12, 100, 200)
    study = Row(
        suite="plateau",
        title=f"scaling_study, 2 to {num_qubits} qubits, {layers} layers, {samples} samples each",
        case={"kind": "plateau_study", "num_qubits": num_qubits, "layers": layers, "samples": samples},
        target=Target(maximum_seconds=60.0),
        check="none",
    )
    return [*points, study]
