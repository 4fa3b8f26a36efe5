"""The mean of a compiled loss over samples and its gradient, in one compiled call: what a step of training takes.

Three things make a step short. The loss is taken between the forward and the reverse pass on the same states. Where
data enters before all trained rotations, the encoded states are computed once and kept. And where more samples than
basis states then go through the same trained unitary, its columns are computed instead, see
:mod:`~qiskit_qml_ext.engine.compiled.operator_losses`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray, RealArray, StateArray
from qiskit_qml_ext.engine import batch as requests
from qiskit_qml_ext.engine import memory, threads
from qiskit_qml_ext.engine.batch import INLINE_ROWS, TILE_ROWS, Batch, Lanes
from qiskit_qml_ext.engine.compiled.operator_losses import packed_size, run_operator_losses, work_size
from qiskit_qml_ext.engine.compiled.simd import LANES
from qiskit_qml_ext.engine.compiled.state_losses import run_state_losses
from qiskit_qml_ext.engine.compiled.tile import scratch_rows
from qiskit_qml_ext.engine.expectation import compiled_for
from qiskit_qml_ext.engine.observables import Observable
from qiskit_qml_ext.engine.planning.encoding import split_encoding
from qiskit_qml_ext.engine.planning.measurements import CompiledObservables
from qiskit_qml_ext.engine.states import statevectors
from qiskit_qml_ext.program import RotationProgram

_MAX_KEPT_BYTES = 1 << 28  # of encoded states, and of projectors: little beside what a machine has


@dataclass(frozen=True, eq=False)
class LossTerms:
    """The samples, and what their expectation values are compared with."""

    kind: int
    """One of the losses of :mod:`~qiskit_qml_ext.engine.compiled.training`."""
    setting: float
    """Its setting, 0 where it has none."""
    mixing: FloatArray
    """How M scaled values become K outputs, shape (M, K)."""
    targets: FloatArray
    """What the outputs should be, shape (n, K)."""
    sample_weight: FloatArray
    """The factor of each sample's loss, shape (n,)."""


class LossGradient:
    """The mean over samples of weight · loss((scale · values + bias) @ mixing), and its gradient.

    Args:
        program: The circuit.
        rows: Parameter values, shape (n, P), one row for each sample; the columns of the weights do not matter.
        weights: These columns.
        observables: M Hermitian observables.
        terms: The loss, targets and weights of the samples.
        max_memory: Bytes that may be used, by default most of those that are free; changes the cost, not the result.
        num_threads: Threads; never changes the result.
    """

    def __init__(
        self,
        program: RotationProgram,
        rows: FloatArray,
        weights: IntArray,
        observables: Sequence[Observable],
        terms: LossTerms,
        *,
        max_memory: int | None = None,
        num_threads: int | None = None,
    ):
        self._rows, self._weights, self._terms = np.ascontiguousarray(rows), as_slice(weights), terms
        self._observables, self._num_threads, self._max_memory = list(observables), num_threads, max_memory
        self._program, self._kept = program, np.zeros((0, 2))
        self._operators: _OperatorCall | None = None
        self._compiled: CompiledObservables | None = None
        split = split_encoding(program, weights)
        if split is None:
            return
        room = min(_MAX_KEPT_BYTES, memory.memory_budget(max_memory) // 4)
        if len(rows) << (program.num_qubits + 4) > room:
            return
        encoding, trained = split
        request = self._request(trained, self._rows[:1].copy(), given=True)
        operators = _OperatorCall(request, self._weights, self._observables, terms)
        rest, whole = request.bytecode, self._request(program, self._rows[:1], given=False).bytecode
        load = 4 << program.num_qubits
        keeps = rest.forward_cost + rest.backward_cost + load < whole.forward_cost + whole.backward_cost
        pays = operators.pays(len(rows), num_threads) and len(rows) * operators.bytes_per_sample <= room
        if not keeps and not pays:
            return
        states = statevectors(encoding, self._rows, max_memory=max_memory, num_threads=num_threads)
        if keeps:
            self._program, self._kept = trained, np.concatenate([states.real, states.imag], axis=1)
        if pays:
            operators.keep(states)
            self._operators = operators

    def _request(self, program: RotationProgram, values: FloatArray, *, given: bool) -> Batch:
        return requests.prepare(
            program, values, amplitudes=False, states=2, dtype="complex128", max_memory=self._max_memory,
            num_threads=self._num_threads, given=given,
        )  # fmt: skip

    def __call__(
        self, chosen: IntArray, weights: FloatArray, scale: FloatArray, bias: FloatArray
    ) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        """Evaluate the mean over some of the samples, and its gradient.

        Args:
            chosen: Which samples, shape (B,), at least one.
            weights: The trained angles, shape (W,).
            scale: Shape (M,).
            bias: Shape (M,).

        Returns:
            The mean, and its derivatives by weights (W,), scales (M,) and biases (M,).

        Raises:
            ValueError: An angle or an observable is not finite, or an observable is not Hermitian.
            StateTooLargeError: The states do not fit into memory.
        """
        if self._operators is not None and self._operators.pays(len(chosen), self._num_threads):
            return self._operators(chosen, weights, scale, bias)
        return self._by_states(chosen, weights, scale, bias)

    def _by_states(
        self, chosen: IntArray, weights: FloatArray, scale: FloatArray, bias: FloatArray
    ) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        values = self._rows[chosen]
        values[:, self._weights] = weights
        request = self._request(self._program, values, given=len(self._kept) > 0)
        bytecode, terms = request.bytecode, self._terms
        compiled = self._compiled = self._compiled or _hermitian(request, self._observables)
        integers, reals = bytecode.angle_data
        samples, number = values.shape[0], compiled.num_real
        out, losses, slopes = np.empty((samples, number)), np.empty(samples), np.empty((samples, number))
        gradients = np.empty(values.shape)

        def task(first: int, last: int, lanes: Lanes, wide: RealArray, scratch: RealArray, status: IntArray) -> None:
            run_state_losses(
                first, last, chosen, self._kept, request.values, integers, reals, bytecode.code, bytecode.back,
                bytecode.tables, bytecode.constants, bytecode.num_qubits, lanes, bytecode.table_rows, compiled.steps,
                compiled.constants, terms.kind, terms.setting, scale, bias, terms.mixing, terms.targets,
                terms.sample_weight, wide, scratch, status, out, losses, slopes, gradients,
            )  # fmt: skip

        requests.run(
            request, task, results=number, reverse=True, output_bytes=2 * gradients.nbytes,
            rows_per_tile=_cost(request, compiled),
        )  # fmt: skip
        return (
            float(losses.sum()),
            gradients.sum(axis=0)[self._weights],
            (slopes * out).sum(axis=0),
            slopes.sum(axis=0),
        )


class _OperatorCall:
    """The same by operators: everything that does not change between the calls."""

    def __init__(
        self,
        request: Batch,
        weights: slice | IntArray,
        observables: Sequence[Observable],
        terms: LossTerms,
    ):
        self._request, self._weights = request, weights
        self._compiled = compiled = _hermitian(request, observables)
        self._lanes = (0,) * LANES["float64"]
        bytecode, width = request.bytecode, len(self._lanes)
        num_rows, number = bytecode.angles.num_angles, compiled.num_real
        rows = scratch_rows(bytecode.num_qubits, num_rows, bytecode.table_rows, number, reverse=True, jacobian=False)
        self._scratch = rows * width
        self._wide = width * (2 * bytecode.angles.num_atoms + 3 * num_rows + 1) + 32
        self._work = work_size(bytecode.num_qubits, width, number)
        self._status = np.zeros(1, dtype=np.int64)
        self._circuit = (
            *(*bytecode.angle_data, bytecode.code, bytecode.back, bytecode.tables, bytecode.constants),
            *(bytecode.num_qubits, self._lanes, bytecode.table_rows, compiled.steps, compiled.constants),
        )
        self._loss, self._labels = (terms.kind, terms.setting), (terms.mixing, terms.targets, terms.sample_weight)
        self._pays: dict[int, bool] = {}

    @property
    def bytes_per_sample(self) -> int:
        """What keeping a sample takes."""
        return 8 * packed_size(self._request.bytecode.num_qubits, len(self._lanes))

    def keep(self, states: StateArray) -> None:
        """Keep the states (n, 2ⁿ) with which the trained part of the circuit begins."""
        self._projectors, self._entries = _packed_projectors(states, len(self._lanes))

    def pays(self, num_samples: int, num_threads: int | None) -> bool:
        """Whether operators are faster than states for so many samples."""
        if num_samples not in self._pays:
            width, size = len(self._lanes), 1 << self._request.bytecode.num_qubits
            circuit = _cost(self._request, self._compiled) + TILE_ROWS
            states = -(-num_samples // width) * circuit
            if states >= INLINE_ROWS:
                states //= threads.thread_count(num_threads)
            tiles = -(-size // width)
            products = self._compiled.num_real * tiles * size * (size + num_samples)
            self._pays[num_samples] = tiles * circuit + products < states
        return self._pays[num_samples]

    def __call__(
        self, chosen: IntArray, weights: FloatArray, scale: FloatArray, bias: FloatArray
    ) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        values = self._request.values
        values[0, self._weights] = weights
        by_scale, by_bias, gradient = np.empty(len(scale)), np.empty(len(scale)), np.empty(values.shape)
        mean = run_operator_losses(
            chosen, self._projectors, self._entries, values, *self._circuit, *self._loss, scale, bias, *self._labels,
            threads.scratch(self._wide, "float64", "angles"), threads.scratch(self._scratch, "float64"),
            threads.scratch(self._work, "float64", "operators"), self._status, by_scale, by_bias, gradient,
        )  # fmt: skip
        if self._status[0]:
            self._status[0] = 0
            requests.raise_non_finite(self._request.program, values)
        return mean, gradient[0, self._weights], by_scale, by_bias


def _packed_projectors(states: StateArray, width: int) -> tuple[FloatArray, IntArray]:
    """The packed projectors of states, and which of their entries are there: those that are not zero for all.

    See :mod:`~qiskit_qml_ext.engine.compiled.operator_losses`.
    """
    size = states.shape[1]
    packed = np.zeros((len(states), -(-size // width), size, width))
    upper = np.arange(size)
    for k in range(size):  # a column of all projectors at a time
        column = states * states[:, k : k + 1].conj()
        packed[:, k // width, :, k % width] = np.where(upper <= k, column.real, column.imag)
    packed = packed.reshape(len(states), -1)
    entries = np.flatnonzero(packed.any(axis=0))
    missing = -len(entries) % (2 * width)
    cut = np.concatenate([packed[:, entries], np.zeros((len(states), missing))], axis=1)
    return cut, np.concatenate([entries, np.zeros(missing, dtype=np.int64)])


def as_slice(columns: IntArray) -> slice | IntArray:
    """Columns that stand side by side as a slice, which is read and written without an index."""
    first = int(columns[0]) if len(columns) else 0
    beside = np.array_equal(columns, np.arange(first, first + len(columns)))
    return slice(first, first + len(columns)) if beside else columns


def _hermitian(request: Batch, observables: Sequence[Observable]) -> CompiledObservables:
    compiled = compiled_for(request, observables)
    if compiled.combine is not None:
        raise ValueError("observables must be Hermitian, but one has complex coefficients.")
    return compiled


def _cost(request: Batch, compiled: CompiledObservables) -> int:
    """Row updates of a tile of samples."""
    bytecode = request.bytecode
    return bytecode.forward_cost + bytecode.backward_cost + (len(compiled.steps) << bytecode.num_qubits)
