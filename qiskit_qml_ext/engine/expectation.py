"""Batched expectation values and their exact gradients by the adjoint method.

After the forward pass, λ = O ψ is formed and both ψ and λ run backwards through the circuit. At a rotation
exp(-i r P) the derivative of <ψ|O|ψ> is 2 Im <λ|P|ψ>; so one reverse pass gives the derivatives by all angles, for any
number of angles (Jones and Gacon, arXiv:2009.02823, algorithm 1). Fixed weights for several observables are summed
into one λ.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from qiskit.circuit import QuantumCircuit

from qiskit_qml_ext.arrays import ComplexArray, FloatArray, IntArray, RealArray
from qiskit_qml_ext.engine import batch as requests
from qiskit_qml_ext.engine import memory
from qiskit_qml_ext.engine.batch import Batch, Lanes
from qiskit_qml_ext.engine.compiled import runners
from qiskit_qml_ext.engine.observables import Observable, as_list, content_key
from qiskit_qml_ext.engine.planning.measurements import CompiledObservables, compilation_memory, compile_observables
from qiskit_qml_ext.program import RotationProgram

_VALUES, _VJP, _JACOBIAN = 0, 1, 2
_KEPT_OBSERVABLES = 16  # lists of observables that are kept with a bytecode


def expectations(
    program: RotationProgram | QuantumCircuit,
    values: npt.ArrayLike,
    observables: Observable | Sequence[Observable],
    *,
    dtype: str = "complex128",
    max_memory: int | None = None,
    num_threads: int | None = None,
) -> FloatArray | ComplexArray:
    """Expectation values <ψ|O_m|ψ> for a batch of parameter values.

    Args:
        program: A program or a circuit.
        values: Parameter values, shape (B, P), columns in the order of ``circuit.parameters``.
        observables: One observable or a list of M: Pauli sums, diagonals (1-D real arrays of 2**n entries) or
            projectors.
        dtype: Precision of the simulation, ``"complex128"`` or ``"complex64"``.
        max_memory: Bytes that may be used; by default most of the memory that is free.
        num_threads: Threads; never changes the result.

    Returns:
        Shape (B, M): float64, or complex128 if an observable has complex weights.

    Raises:
        UnsupportedCircuitError: The circuit cannot be lowered.
        TypeError: An observable is of an unknown kind.
        ValueError: An observable acts on the wrong number of qubits, or ``values`` does not fit.
        StateTooLargeError: Not even one tile of states fits.

    Example:
        >>> from qiskit import QuantumCircuit
        >>> from qiskit.circuit import Parameter
        >>> from qiskit.quantum_info import Pauli
        >>> circuit = QuantumCircuit(1)
        >>> circuit.ry(Parameter("t"), 0) and None
        >>> expectations(circuit, [[0.0], [np.pi]], Pauli("Z"))
        array([[ 1.],
               [-1.]])
    """
    request = requests.prepare(
        program, values, amplitudes=False, states=1, dtype=dtype, max_memory=max_memory, num_threads=num_threads
    )
    compiled = compiled_for(request, observables)
    result = _run(request, compiled, _VALUES)[0]
    return result if compiled.combine is None else result @ compiled.combine.T


def expectation_vjp(
    program: RotationProgram | QuantumCircuit,
    values: npt.ArrayLike,
    observables: Observable | Sequence[Observable],
    cotangents: npt.ArrayLike,
    *,
    dtype: str = "complex128",
    max_memory: int | None = None,
    num_threads: int | None = None,
) -> tuple[FloatArray | ComplexArray, FloatArray | ComplexArray]:
    """Expectation values, and the gradients of Σ_m cotangents[b, m] <O_m>_b, in one reverse pass per sample.

    Args:
        program: A program or a circuit.
        values: Parameter values, shape (B, P).
        observables: One observable or a list of M.
        cotangents: Real weights, shape (B, M).
        dtype: Precision of the simulation.
        max_memory: Bytes that may be used.
        num_threads: Threads.

    Returns:
        Expectation values, shape (B, M), and gradients by all parameters, shape (B, P). Both are complex128 if an
        observable has complex weights, else float64.

    Raises:
        ValueError: ``cotangents`` has the wrong shape; see also :func:`expectations`.
    """
    request = requests.prepare(
        program, values, amplitudes=False, states=2, dtype=dtype, max_memory=max_memory, num_threads=num_threads
    )
    compiled = compiled_for(request, observables)
    combine = compiled.combine
    num_observables = compiled.num_real if combine is None else len(combine)
    weights = np.ascontiguousarray(cotangents, dtype=np.float64)
    if weights.shape != (len(request.values), num_observables):
        raise ValueError(
            f"cotangents must have the shape {(len(request.values), num_observables)}, one row per sample and one "
            f"column per observable, but {weights.shape} came."
        )
    if combine is None:
        expected, gradients, _ = _run(request, compiled, _VJP, weights)
        return expected, gradients
    expected, gradients, _ = _run(request, compiled, _VJP, np.ascontiguousarray(weights @ combine.real))
    _, imaginary, _ = _run(request, compiled, _VJP, np.ascontiguousarray(weights @ combine.imag))
    return expected @ combine.T, gradients + 1j * imaginary


def expectation_jacobian(
    program: RotationProgram | QuantumCircuit,
    values: npt.ArrayLike,
    observables: Observable | Sequence[Observable],
    *,
    dtype: str = "complex128",
    max_memory: int | None = None,
    num_threads: int | None = None,
) -> tuple[FloatArray | ComplexArray, FloatArray | ComplexArray]:
    """Expectation values and all their derivatives: one forward pass and M reverse passes per sample.

    Args:
        program: A program or a circuit.
        values: Parameter values, shape (B, P).
        observables: One observable or a list of M.
        dtype: Precision of the simulation.
        max_memory: Bytes that may be used.
        num_threads: Threads.

    Returns:
        Expectation values, shape (B, M), and the Jacobian ∂<O_m>_b/∂values[b, p], shape (B, M, P); complex128 if an
        observable has complex weights, else float64.

    Raises:
        ValueError: See :func:`expectations`.
    """
    request = requests.prepare(
        program, values, amplitudes=False, states=3, dtype=dtype, max_memory=max_memory, num_threads=num_threads
    )
    compiled = compiled_for(request, observables)
    expected, _, jacobian = _run(request, compiled, _JACOBIAN)
    if compiled.combine is None:
        return expected, jacobian
    return expected @ compiled.combine.T, np.einsum("mr,brp->bmp", compiled.combine, jacobian)


def compiled_for(request: Batch, observables: Observable | Sequence[Observable]) -> CompiledObservables:
    """The compiled observables, cached with the bytecode: training asks for the same ones again and again."""
    bytecode = request.bytecode
    chosen = as_list(observables)
    key = tuple(content_key(observable) for observable in chosen)
    compiled = bytecode.observables.get(key)
    if compiled is not None and compiled.constants.nbytes + bytecode.nbytes + request.state_bytes > request.budget:
        compiled = None  # compiled when there was more room
    if compiled is None:
        room = request.budget - bytecode.nbytes - request.state_bytes
        tables = compilation_memory(chosen, bytecode.num_qubits, tables=True) <= room
        memory.check_memory(
            compilation_memory(chosen, bytecode.num_qubits, tables=tables) + bytecode.nbytes,
            request.budget,
            "Preparing the observables",
            "Use fewer observables per call, Pauli sums instead of dense states and diagonals, or a larger max_memory.",
        )
        compiled = compile_observables(chosen, bytecode.num_qubits, bytecode.frame, tables=tables)
        if len(bytecode.observables) >= _KEPT_OBSERVABLES:
            bytecode.observables.clear()
        bytecode.observables[key] = compiled
    return compiled


def _run(
    request: Batch, compiled: CompiledObservables, mode: int, cotangents: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Values (B, R), gradients (B, P) for mode VJP and the Jacobian (B, R, P) for mode JACOBIAN (empty otherwise)."""
    bytecode = request.bytecode
    samples, num_parameters = request.values.shape
    sizes = {_VALUES: 1, _VJP: 1, _JACOBIAN: 1 + num_parameters}
    rows = compiled.num_real * sizes[mode] + (num_parameters if mode == _VJP else 0)
    request.check(8 * samples * rows + compiled.constants.nbytes)
    out = np.empty((samples, compiled.num_real))
    gradients = np.empty((samples if mode == _VJP else 0, num_parameters))
    jacobian = np.empty((samples if mode == _JACOBIAN else 0, compiled.num_real, num_parameters))
    if not samples:
        return out, gradients, jacobian
    weights = _NO_WEIGHTS if cotangents is None else cotangents
    integers, reals = bytecode.angle_data

    def task(first: int, last: int, lanes: Lanes, wide: RealArray, scratch: RealArray, status: IntArray) -> None:
        runners.run_expectations(
            first, last, request.values, integers, reals, bytecode.code, bytecode.back, bytecode.tables,
            bytecode.constants,
            bytecode.num_qubits, lanes, bytecode.table_rows, compiled.steps, compiled.constants, mode, weights, wide,
            scratch, status, out, gradients, jacobian,
        )  # fmt: skip

    cost = bytecode.forward_cost + (len(compiled.steps) << bytecode.num_qubits)
    if mode != _VALUES:
        cost += bytecode.backward_cost * (1 if mode == _VJP else compiled.num_real)
    requests.run(
        request,
        task,
        results=compiled.num_real,
        reverse=mode != _VALUES,
        jacobian=mode == _JACOBIAN,
        output_bytes=out.nbytes + gradients.nbytes + jacobian.nbytes + compiled.constants.nbytes,
        rows_per_tile=cost,
    )
    return out, gradients, jacobian


_NO_WEIGHTS = np.zeros((0, 0))
