"""Fidelities of many states of one circuit, and the gradient of any function of them: one reverse pass a state.

For K_ij = |<φ_i|φ_j>|² and weights G_ij = ∂L/∂K_ij the change of L with the state φ_i is 2 Re <λ_i|dφ_i> with

    λ_i = Σ_j (G_ij + G_ji) <φ_j|φ_i> φ_j,

so that N states take N reverse passes, not N². Phases that a state has as a whole cancel in both, and so does the
Clifford frame that is left at the end of a program (:mod:`~qiskit_qml_ext.engine.planning.monomial_frame`): states and
λ are held without either.
"""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray, RealArray, StateArray
from qiskit_qml_ext.engine import batch as requests
from qiskit_qml_ext.engine import memory
from qiskit_qml_ext.engine.batch import Lanes
from qiskit_qml_ext.engine.compiled import runners
from qiskit_qml_ext.engine.overlaps import gram
from qiskit_qml_ext.program import RotationProgram

_NO_TABLE = np.zeros(0, dtype=np.int64)


class FidelityGradient:
    """The states of one circuit for a batch of parameter values, their fidelities, and how gradients go back through.

    Args:
        program: The circuit.
        values: Parameter values, shape (N, P).
        dtype: ``"complex128"`` or ``"complex64"``.
        max_memory: Bytes that may be used, by default most of those that are free.
        num_threads: Threads; never changes the result.

    Raises:
        ValueError: ``values`` has the wrong shape, or an angle is not finite.
        StateTooLargeError: The states of all values, and as much again, do not fit.
    """

    def __init__(
        self,
        program: RotationProgram,
        values: FloatArray,
        *,
        dtype: str = "complex128",
        max_memory: int | None = None,
        num_threads: int | None = None,
    ):
        self._request = request = requests.prepare(
            program, values, amplitudes=False, states=4, dtype=dtype, max_memory=max_memory, num_threads=num_threads
        )
        self._num_threads, self._dtype = num_threads, np.dtype(dtype)
        number = len(request.values)
        # the states, their λ, and the complex matrix between the two
        needed = 2 * number * request.state_bytes + 3 * self._dtype.itemsize * number**2
        if max_memory is not None or needed > memory.SMALL_BYTES:
            memory.check_memory(
                needed,
                memory.memory_budget(max_memory),
                f"The gradient of the fidelities of {number:,} states of {program.num_qubits} qubits",
                "Use smaller batches, complex64, fewer qubits or a larger max_memory.",
            )
        self._states = self._simulated()

    def _simulated(self) -> StateArray:
        request, bytecode = self._request, self._request.bytecode
        out = np.empty((len(request.values), 2 << bytecode.num_qubits), dtype=request.real)
        integers, reals = bytecode.angle_data

        def task(first: int, last: int, lanes: Lanes, wide: RealArray, scratch: RealArray, status: IntArray) -> None:
            runners.run_states(
                first, last, request.values, integers, reals, bytecode.code, bytecode.tables, bytecode.constants,
                bytecode.num_qubits, lanes, bytecode.table_rows, _NO_TABLE, wide, scratch, status, out,
            )  # fmt: skip

        if len(out):
            cost = bytecode.forward_cost + (2 << bytecode.num_qubits)
            requests.run(request, task, output_bytes=out.nbytes, rows_per_tile=cost)
        states: StateArray = out.view(self._dtype)
        return states

    def fidelities(self) -> FloatArray:
        """Return |<φ_i|φ_j>|², shape (N, N), symmetric, with a diagonal of exactly 1."""
        matrix = gram(self._states, num_threads=self._num_threads)
        np.fill_diagonal(matrix, 1.0)
        return matrix

    def pull_back(self, weights: FloatArray) -> FloatArray:
        """Return the derivatives of Σ_ij weights_ij K_ij by each state's own parameters, shape (N, P).

        Args:
            weights: ∂L/∂K, shape (N, N); its diagonal does not matter.
        """
        states = self._states
        both = weights + weights.T
        np.fill_diagonal(both, 0.0)
        cotangents = np.ascontiguousarray(((both * (states.conj() @ states.T).T) @ states).astype(self._dtype))
        request, bytecode = self._request, self._request.bytecode
        parts = cotangents.view(request.real)
        gradients = np.empty(request.values.shape)
        integers, reals = bytecode.angle_data

        def task(first: int, last: int, lanes: Lanes, wide: RealArray, scratch: RealArray, status: IntArray) -> None:
            runners.run_state_gradients(
                first, last, request.values, integers, reals, bytecode.code, bytecode.back, bytecode.tables,
                bytecode.constants, bytecode.num_qubits, lanes, bytecode.table_rows, parts, wide, scratch, status,
                gradients,
            )  # fmt: skip

        if len(gradients):
            cost = bytecode.forward_cost + bytecode.backward_cost + (2 << bytecode.num_qubits)
            requests.run(
                request, task, reverse=True, output_bytes=gradients.nbytes + 2 * parts.nbytes, rows_per_tile=cost
            )
        return gradients
