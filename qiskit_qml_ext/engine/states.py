"""Batched states and outcome probabilities."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from qiskit.circuit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IntArray, RealArray, StateArray
from qiskit_qml_ext.checks import whole_numbers, wrong_value
from qiskit_qml_ext.engine import batch as requests
from qiskit_qml_ext.engine.batch import Lanes
from qiskit_qml_ext.engine.compiled import runners
from qiskit_qml_ext.engine.planning.monomial_frame import MonomialFrame
from qiskit_qml_ext.program import RotationProgram

_NO_TABLE = np.zeros(0, dtype=np.int64)


def statevectors(
    program: RotationProgram | QuantumCircuit,
    values: npt.ArrayLike,
    *,
    dtype: str = "complex128",
    max_memory: int | None = None,
    num_threads: int | None = None,
) -> StateArray:
    """The states that a circuit prepares for a batch of parameter values.

    Args:
        program: A program or a circuit (lowered once and cached).
        values: Parameter values, shape (B, P), columns in the order of ``circuit.parameters``.
        dtype: ``"complex128"`` or ``"complex64"`` (twice as fast, errors of about 1e-6).
        max_memory: Bytes that may be used; by default most of the memory that is free.
        num_threads: Threads; by default what the environment allows. Never changes the result.

    Returns:
        Amplitudes, shape (B, 2**n), C-contiguous, equal to ``Statevector(bound circuit)`` including the global phase.

    Raises:
        UnsupportedCircuitError: The circuit cannot be lowered.
        ValueError: ``values`` has the wrong shape or entries that are not finite.
        StateTooLargeError: The result does not fit.

    Example:
        >>> from qiskit import QuantumCircuit
        >>> bell = QuantumCircuit(2)
        >>> bell.h(0) and bell.cx(0, 1) and None
        >>> statevectors(bell, np.zeros((1, 0))).round(3)
        array([[0.707+0.j, 0.   +0.j, 0.   +0.j, 0.707+0.j]])
    """
    request = requests.prepare(
        program, values, amplitudes=True, states=2, dtype=dtype, max_memory=max_memory, num_threads=num_threads
    )
    bytecode = request.bytecode
    samples, size = len(request.values), 1 << bytecode.num_qubits
    real = np.dtype(request.real)
    if not samples:
        return np.empty((0, size), dtype=dtype)
    request.check(samples * 2 * size * real.itemsize)
    out = np.empty((samples, 2 * size), dtype=real)
    integers, reals = bytecode.angle_data
    table = _NO_TABLE if bytecode.output_table is None else bytecode.output_table

    def task(first: int, last: int, lanes: Lanes, wide: RealArray, scratch: RealArray, status: IntArray) -> None:
        runners.run_states(
            first, last, request.values, integers, reals, bytecode.code, bytecode.tables, bytecode.constants,
            bytecode.num_qubits,
            lanes, bytecode.table_rows, table, wide, scratch, status, out,
        )  # fmt: skip

    requests.run(
        request, task, output_bytes=out.nbytes, rows_per_tile=bytecode.forward_cost + (2 << bytecode.num_qubits)
    )
    result: StateArray = out.view(np.dtype(dtype))
    return result


def probabilities(
    program: RotationProgram | QuantumCircuit,
    values: npt.ArrayLike,
    *,
    qubits: Sequence[int] | None = None,
    dtype: str = "complex128",
    max_memory: int | None = None,
    num_threads: int | None = None,
) -> FloatArray:
    """Outcome probabilities of measuring some qubits, for a batch of parameter values.

    Args:
        program: A program or a circuit.
        values: Parameter values, shape (B, P).
        qubits: The measured qubits, each at most once, in any order; all by default. Bit j of an outcome is
            the result for ``qubits[j]``.
        dtype: Precision of the simulation.
        max_memory: Bytes that may be used.
        num_threads: Threads.

    Returns:
        Probabilities, shape (B, 2**len(qubits)), float64.

    Raises:
        ValueError: ``qubits`` repeats a qubit or names one that does not exist; see also :func:`statevectors`.
    """
    request = requests.prepare(
        program, values, amplitudes=False, states=1, dtype=dtype, max_memory=max_memory, num_threads=num_threads
    )
    bytecode = request.bytecode
    measured = _check_qubits(qubits, bytecode.num_qubits)
    table_bytes = 8 << bytecode.num_qubits
    request.check((8 * len(request.values) << len(measured)) + 4 * table_bytes)
    out = np.empty((len(request.values), 1 << len(measured)))
    if not len(out):
        return out
    outcomes = _outcomes(bytecode.frame, measured)
    integers, reals = bytecode.angle_data

    def task(first: int, last: int, lanes: Lanes, wide: RealArray, scratch: RealArray, status: IntArray) -> None:
        runners.run_probabilities(
            first, last, request.values, integers, reals, bytecode.code, bytecode.tables, bytecode.constants,
            bytecode.num_qubits,
            lanes, bytecode.table_rows, outcomes, wide, scratch, status, out,
        )  # fmt: skip

    requests.run(
        request,
        task,
        results=out.shape[1],
        output_bytes=out.nbytes + table_bytes,
        rows_per_tile=bytecode.forward_cost + (2 << bytecode.num_qubits),
    )
    return out


def _check_qubits(qubits: Sequence[int] | None, num_qubits: int) -> list[int]:
    if qubits is None:
        return list(range(num_qubits))
    chosen = list(whole_numbers("qubits", qubits, minimum=0, may_be_empty=True))
    if len(set(chosen)) != len(chosen) or any(not 0 <= qubit < num_qubits for qubit in chosen):
        raise wrong_value("qubits", f"different numbers from 0 to {num_qubits - 1}", chosen)
    return chosen


def _outcomes(frame: MonomialFrame, qubits: Sequence[int]) -> IntArray:
    """The outcome that each row of the stored state belongs to; takes four tables of integers meanwhile."""
    if frame.is_identity and list(qubits) == list(range(frame.num_qubits)):
        return np.arange(1 << frame.num_qubits)
    target = np.arange(1 << frame.num_qubits) if frame.is_identity else frame.basis_table()[0]
    outcomes = np.zeros(len(target), dtype=np.int64)
    for place, qubit in enumerate(qubits):
        outcomes |= ((target >> qubit) & 1) << place
    return outcomes
