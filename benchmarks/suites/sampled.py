"""A kernel from shots, on a simulator."""

from benchmarks.contenders import rivals_in
from benchmarks.rows import Row, Target

CLAIM = "A kernel matrix from 1,024 shots per pair: 200 times faster than FidelityQuantumKernel."


def rows(tiny: bool) -> list[Row]:
    """The kernel of 40 samples at 4 qubits."""
    num_qubits, samples = (2, 4) if tiny else (4, 40)
    case = {"kind": "sampled", "num_qubits": num_qubits, "samples": samples, "shots": 1024}
    return [
        Row(
            suite="sampled",
            title=f"{num_qubits} qubits, {samples} samples, 1024 shots",
            case=case,
            rivals=rivals_in("sampled", case),
            target=Target(minimum_ratio=200.0),
            check="binomial",
        )
    ]
