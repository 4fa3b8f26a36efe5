"""How much memory a large kernel matrix takes beyond its own size."""

from benchmarks.rows import Row, Target

CLAIM = "The kernel matrix of 10,000 samples at 10 qubits takes less than 2 GB beyond the result."


def rows(tiny: bool) -> list[Row]:
    """One row, without rivals."""
    num_qubits, samples = (3, 50) if tiny else (10, 10_000)
    return [
        Row(
            suite="memory",
            title=f"{num_qubits} qubits, {samples} samples",
            case={"kind": "memory", "num_qubits": num_qubits, "samples": samples},
            target=Target(maximum_bytes=2e9),
            check="none",
            measure="bytes",
        )
    ]
