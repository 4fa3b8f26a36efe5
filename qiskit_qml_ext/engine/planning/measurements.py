"""Observables pulled through the frame of a bytecode, as steps of the compiled measurement."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import AnyArray, ComplexArray, FloatArray, IntArray
from qiskit_qml_ext.engine.compiled import measure
from qiskit_qml_ext.engine.observables import Observable, Projector
from qiskit_qml_ext.engine.planning.monomial_frame import TABLE_BYTES, MonomialFrame

_NORM_ATOL = 1e-6  # a projector's state may come from single precision
_TABLE_FROM = 3  # Z strings of one observable from which one table is cheaper than one pass each
_MAX_TABLE_QUBITS = 20


@dataclass(frozen=True, eq=False)
class CompiledObservables:
    """Observables as steps of the compiled measurement."""

    steps: IntArray
    """Shape (S, 5), see :mod:`qiskit_qml_ext.engine.compiled.measure`."""
    constants: FloatArray
    """Coefficients and tables."""
    num_real: int
    """Number R of Hermitian observables in the steps."""
    combine: FloatArray | ComplexArray | None
    """Shape (M, R), complex or real: the M observables as combinations of the R Hermitian ones."""


def compilation_memory(observables: Sequence[Observable], num_qubits: int, *, tables: bool) -> int:
    """Bytes that compiling observables takes at most; ``tables`` as in :func:`compile_observables`."""
    size, lookups = 1 << num_qubits, False
    total = 0
    for observable in observables:
        if isinstance(observable, (np.ndarray, Projector)):
            lookups = True
            basis_state = isinstance(observable, Projector) and isinstance(observable.state, int | np.integer)
            total += (1 if basis_state else 32 if isinstance(observable, np.ndarray) else 112) * size
        elif tables and isinstance(observable, SparsePauliOp) and len(observable.paulis) >= _TABLE_FROM:
            total += 40 * size if num_qubits <= _MAX_TABLE_QUBITS else 0
    return total + (TABLE_BYTES * size if lookups else 0)


def compile_observables(
    observables: Sequence[Observable], num_qubits: int, frame: MonomialFrame, *, tables: bool = True
) -> CompiledObservables:
    """Pull observables through the frame of a bytecode, C† O C, and compile them.

    Args:
        observables: Any of the kinds of :data:`Observable`.
        num_qubits: The number of qubits.
        frame: The plan's frame.
        tables: Whether several Z strings of one observable may become one table of 2**n numbers, which is faster.

    Raises:
        ValueError: An observable acts on another number of qubits, or is not finite, or a state is not normalised.
    """
    return _Compiler(num_qubits, frame, tables=tables).run(observables)


class _Compiler:
    def __init__(self, num_qubits: int, frame: MonomialFrame, *, tables: bool) -> None:
        self._n = num_qubits
        self._tables = tables and num_qubits <= _MAX_TABLE_QUBITS
        self._frame = frame
        self._steps: list[tuple[int, int, int, int, int]] = []
        self._constants: list[FloatArray] = []
        self._length = 0
        self._basis: tuple[IntArray, IntArray] | None = None

    def run(self, observables: Sequence[Observable]) -> CompiledObservables:
        weights: list[dict[int, complex]] = []
        count = 0
        is_complex = False
        for place, observable in enumerate(observables):
            name = f"observables[{place}]"
            if isinstance(observable, Pauli):
                observable = SparsePauliOp(observable)
            if isinstance(observable, SparsePauliOp):
                parts = self._hermitian_parts(observable, name)
                is_complex |= any(factor == 1j for factor, _ in parts)
                weights.append({})
                for factor, terms in parts:
                    self._add_paulis(terms, count)
                    weights[-1][count] = factor
                    count += 1
                continue
            if isinstance(observable, Projector):
                self._add_projector(observable, count, name)
            else:
                self._add_diagonal(np.asarray(observable), count, name)
            weights.append({count: 1.0})
            count += 1
        combine = None
        if is_complex or count != len(observables):
            combine = np.zeros((len(observables), count), dtype=np.complex128)
            for place, row in enumerate(weights):
                for column, factor in row.items():
                    combine[place, column] = factor
        return CompiledObservables(
            steps=np.array(self._steps, dtype=np.int64).reshape(-1, 5),
            constants=np.concatenate([*self._constants, np.zeros(1)]),
            num_real=count,
            combine=combine,
        )

    def _hermitian_parts(
        self, observable: SparsePauliOp, name: str
    ) -> list[tuple[complex, list[tuple[int, int, float]]]]:
        """The observable as A + i B with Hermitian A and B, each as ``(x, z, real coefficient)``."""
        if observable.num_qubits != self._n:
            raise ValueError(
                f"{name} acts on {observable.num_qubits} qubits but the circuit has {self._n}. "
                "Pad it with identities (SparsePauliOp.apply_layout or from_sparse_list)."
            )
        coefficients = np.asarray(observable.coeffs)
        if coefficients.dtype == object:
            raise ValueError(f"{name} has parametrised coefficients; bind them first (assign_parameters).")
        if not np.all(np.isfinite(coefficients)):
            raise ValueError(f"{name} has a coefficient that is not finite.")
        strings = []
        for x_bits, z_bits, phase, coefficient in zip(
            observable.paulis.x, observable.paulis.z, observable.paulis.phase, coefficients, strict=True
        ):
            x = sum(1 << qubit for qubit in np.flatnonzero(x_bits).tolist())
            z = sum(1 << qubit for qubit in np.flatnonzero(z_bits).tolist())
            strings.append((x, z, complex(coefficient) * (-1j) ** int(phase)))
        real = [(x, z, coefficient.real) for x, z, coefficient in strings if coefficient.real != 0.0]
        imaginary = [(x, z, coefficient.imag) for x, z, coefficient in strings if coefficient.imag != 0.0]
        return [(1.0, real), (1j, imaginary)] if imaginary else [(1.0, real)]

    def _add_paulis(self, terms: list[tuple[int, int, float]], index: int) -> None:
        pulled: dict[tuple[int, int], float] = {}
        for x, z, coefficient in terms:
            x, z, sign = self._frame.pull(x, z)
            pulled[x, z] = pulled.get((x, z), 0.0) + sign * coefficient
        diagonal = {z: coefficient for (x, z), coefficient in pulled.items() if x == 0}
        if len(diagonal) >= _TABLE_FROM and self._tables:
            self._add_table(_walsh_hadamard(diagonal, self._n), index)
        else:
            for z, coefficient in diagonal.items():
                self._steps.append((measure.PAULI, index, 0, z, self._constant(np.array([coefficient]))))
        for (x, z), coefficient in pulled.items():
            if x:
                self._steps.append((measure.PAULI, index, x, z, self._constant(np.array([coefficient]))))

    def _add_diagonal(self, diagonal: AnyArray, index: int, name: str) -> None:
        size = 1 << self._n
        if diagonal.shape != (size,):
            raise ValueError(
                f"{name} must have the shape ({size},) as a diagonal on {self._n} qubits, but {diagonal.shape} came."
            )
        if np.iscomplexobj(diagonal):
            raise ValueError(f"{name} is complex; the diagonal of an observable is real.")
        values = diagonal.astype(np.float64)
        if not np.all(np.isfinite(values)):
            raise ValueError(f"{name} has an entry that is not finite.")
        self._add_table(values[self._basis_table()[0]], index)

    def _add_table(self, table: FloatArray, index: int) -> None:
        self._steps.append((measure.DIAGONAL, index, 0, 0, self._constant(table)))

    def _add_projector(self, projector: Projector, index: int, name: str) -> None:
        size = 1 << self._n
        target, power = self._basis_table()
        if isinstance(projector.state, int | np.integer):
            if not 0 <= projector.state < size:
                raise ValueError(f"The basis state of {name} must be 0 to {size - 1}, but {projector.state} came.")
            (source,) = np.flatnonzero(target == projector.state)
            self._steps.append((measure.BASIS, index, int(source), 0, self._constant(np.ones(1))))
            return
        state = np.asarray(projector.state, dtype=np.complex128)
        if state.shape != (size,):
            raise ValueError(
                f"The state of {name} must have the shape ({size},) on {self._n} qubits, but {state.shape} came."
            )
        norm = float(np.linalg.norm(state))
        if not abs(norm - 1.0) < _NORM_ATOL:
            raise ValueError(f"The state of {name} must have the norm 1, but {norm} came. Normalise it.")
        pulled = state[target] * (-1j) ** power  # <z|C†|φ> = conj(i^k) φ[target]
        self._steps.append(
            (measure.STATE, index, 0, 0, self._constant(np.concatenate([np.ones(1), pulled.real, pulled.imag])))
        )

    def _basis_table(self) -> tuple[IntArray, IntArray]:
        if self._basis is None:
            self._basis = self._frame.basis_table()
        return self._basis

    def _constant(self, values: FloatArray) -> int:
        start = self._length
        self._constants.append(values.astype(np.float64))
        self._length += len(values)
        return start


def _walsh_hadamard(terms: dict[int, float], num_qubits: int) -> FloatArray:
    """Σ_z coefficient (-1)^|z & b| for every b, in n 2^n additions."""
    table = np.zeros(1 << num_qubits)
    for z, coefficient in terms.items():
        table[z] = coefficient
    for qubit in range(num_qubits):
        pairs = table.reshape(-1, 2, 1 << qubit)
        table = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).reshape(-1)
    return table
