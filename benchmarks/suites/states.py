"""States of the ZZ feature map (2 repetitions, full entanglement)."""

from benchmarks.contenders import others_in, rivals_in
from benchmarks.rows import Row, Target

CLAIM = (
    "States of a ZZ feature map, time per state: 100 times faster than the best rival at 4 and 8 qubits, "
    "30 times at 12, 10 times at 16."
)

_SIZES = ((4, 200, 100.0), (8, 200, 100.0), (12, 200, 30.0), (16, 50, 10.0))


def rows(tiny: bool) -> list[Row]:
    """One row a size."""
    return [
        Row(
            suite="states",
            title=f"{num_qubits} qubits, {samples} samples",
            case=case,
            rivals=rivals_in("states", case),
            others=others_in("states", case),
            target=Target(minimum_ratio=ratio),
            check="states",
            items=samples,
        )
        for num_qubits, samples, ratio in (((3, 5, 1.0),) if tiny else _SIZES)
        for case in [{"kind": "states", "num_qubits": num_qubits, "samples": samples}]
    ]
