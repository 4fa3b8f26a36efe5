"""A point of a barren-plateau study: the variance of the loss and of all derivatives over random angles."""

from benchmarks.rows import Row, Target

CLAIM = (
    "One width of the study of McClean et al. (arXiv:1803.11173): variances of the loss Z0 Z1 and of all its "
    "derivatives over random angles, from value and gradient at each sample."
)

_SIZES = ((4, 10, 200), (8, 10, 200), (12, 10, 200), (12, 100, 200))
_JAX_LAYERS = 10  # it unrolls the circuit: 10 layers of 12 qubits compile for a minute, 100 for far more


def rows(tiny: bool) -> list[Row]:
    """One row a width, with no target but to be faster; then the whole study."""
    points = [
        Row(
            suite="plateau",
            title=f"{num_qubits} qubits, {layers} layers, {samples} samples",
            case={"kind": "plateau", "num_qubits": num_qubits, "layers": layers, "samples": samples},
            rivals=("jax", "lightning") if layers <= _JAX_LAYERS else ("lightning",),
        )
        for num_qubits, layers, samples in (((2, 1, 3),) if tiny else _SIZES)
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
