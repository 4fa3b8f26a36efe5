"""What the machine can do, and which share of it we reach.

Two rates are measured: of a complex matrix product (8 floating-point operations per multiply-add) and of copying an
array that fits into no cache (each byte counts twice, read and written). What our work needs at least is counted like
this, for B states of N = 2ⁿ amplitudes of 16 bytes:

- states, bytes: 16·N·B, each amplitude written once; the copy rate counts every byte that moves;
- states, operations: in the second repetition a layer of n Hadamard butterflies at 2 operations per amplitude (the
  scale factor is applied once), and in each of the 2 repetitions a product with a phase at 6 operations per amplitude.
  Sines and cosines, angles and the first layer, which is uniform, are not counted: B·N·(2n + 12);
- kernel matrix, operations: those of the states, and 8·N for each of the B(B+1)/2 distinct products.

A share of one rate near 1 is the end of what is possible; where both are far below 1 it is the Python call, the sines
or the caches that cost.
"""

from dataclasses import dataclass

from benchmarks.race import Measured
from benchmarks.rows import Row

_BYTES_PER_AMPLITUDE = 16
_COPY_BYTES = {False: 256 << 20, True: 8 << 20}
_GEMM_SIZE = {False: 2048, True: 64}


@dataclass(frozen=True)
class Rates:
    """Measured rates of this machine; ``None`` where a measurement failed."""

    gemm_flops: float | None
    """complex128 matrix product, operations per second."""

    gemm_flops_single: float | None
    """The same for complex64."""

    copy_bytes: float | None
    """Bytes moved per second, read and written."""


@dataclass(frozen=True)
class Share:
    """Which part of the machine's rates a row of ours reaches."""

    row: str
    flops: float
    """Counted operations of a call."""

    bytes: float
    """Counted bytes of a call."""

    of_gemm: float | None
    of_copy: float | None


def rows(tiny: bool) -> list[Row]:
    """The rows that measure the machine."""
    size, count = _GEMM_SIZE[tiny], _COPY_BYTES[tiny]
    gemm = [
        Row("machine", f"gemm {dtype}", {"kind": "gemm", "size": size, "dtype": dtype}, check="none")
        for dtype in ("complex128", "complex64")
    ]
    return [*gemm, Row("machine", "copy", {"kind": "copy", "bytes": count}, check="none")]


def rates(measured: Measured) -> Rates:
    """Turn the times of :func:`rows` into rates."""
    fastest: dict[str, float] = {}
    for row, outcomes in measured:
        median = outcomes[0].median
        if median:
            work = 2 * row.case["bytes"] if row.title == "copy" else 8 * row.case["size"] ** 3
            fastest[row.title] = work / median
    return Rates(fastest.get("gemm complex128"), fastest.get("gemm complex64"), fastest.get("copy"))


def shares(measured: Measured, machine: Rates) -> list[Share]:
    """Our share of the rates in the rows of states and kernels."""
    rows = []
    for row, outcomes in measured:
        median = outcomes[0].median
        if row.suite not in ("states", "kernels") or not median:
            continue
        amplitudes, samples = 2 ** row.case["num_qubits"], row.case["samples"]
        flops = samples * amplitudes * (2 * row.case["num_qubits"] + 12)
        count = samples * amplitudes * _BYTES_PER_AMPLITUDE
        if row.suite == "kernels":
            flops += 8 * amplitudes * samples * (samples + 1) // 2
        rows.append(
            Share(
                f"{row.suite}: {row.title}",
                flops,
                count,
                flops / median / machine.gemm_flops if machine.gemm_flops else None,
                count / median / machine.copy_bytes if machine.copy_bytes else None,
            )
        )
    return rows
