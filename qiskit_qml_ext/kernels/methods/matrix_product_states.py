"""Fidelities of matrix-product states, for circuits that are wide and shallow.

One simulation for each distinct sample by Qiskit Aer; the overlap of two states costs n·χ³ for n qubits and bonds of
the width χ.

Where bonds are cut, the states turn by an angle each. Two states that turned by δ together have |√k - √k'| ≤ δ, so that
an entry is off by at most δ (2√k' + δ): the angle between rays obeys the triangle inequality, and no gate changes it.
Of each gate Aer drops Schmidt weights up to the threshold, and those of 10⁻¹⁶; a weight ε that is dropped turns the
state by arcsin √ε. Where a bond may have been cut to ``max_bond``, the states are simulated a second time, coarser,
and the angle between both is added: an estimate, larger than the error as long as finer simulations come closer.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import real_number, whole_number
from qiskit_qml_ext.engine import state_memory
from qiskit_qml_ext.engine.memory import SMALL_BYTES, check_memory
from qiskit_qml_ext.kernels.blocks import check_matrix
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.factors import Factor
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.methods.bond_growth import BondGrowth, bond_growth
from qiskit_qml_ext.kernels.methods.exact import exact_fidelities
from qiskit_qml_ext.kernels.methods.method import Fidelities, refuse_outcome_settings
from qiskit_qml_ext.kernels.methods.mps_overlaps import fidelities, norms, paired_overlaps
from qiskit_qml_ext.kernels.methods.mps_simulation import Chains, simulated_chains
from qiskit_qml_ext.kernels.samples import distinct_samples
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import RotationProgram

_COARSER_BONDS, _COARSER_THRESHOLD = 2, 4  # the second simulation has half of the bonds and twice the dropped angle
_CHOPPED = 1e-16  # Schmidt weights that Aer drops without being asked
_HELD_STATES = 3  # that an exact matrix needs at the least: of a row, of a column, and the one that is simulated
_ARRAYS = 4  # of the shape of the matrix at a time
_ALWAYS_FITS = 20  # qubits: three states of 48 MiB together


@dataclass(frozen=True)
class MatrixProductStates:
    """Fidelities of matrix-product states by Qiskit Aer; entries say how far truncation may have moved them.

    Raises:
        TypeError: If a setting is of the wrong kind.
        ValueError: If a setting is out of its range.
    """

    name: ClassVar[str] = "mps"
    max_bond: int = 64
    """The width to which bonds are cut; time grows with its third power."""
    threshold: float = 1e-16
    """At each gate the smallest Schmidt weights are dropped that together stay below this one."""

    def __post_init__(self) -> None:
        whole_number("max_bond", self.max_bond, minimum=2)
        real_number("threshold", self.threshold, minimum=0.0, below=1.0)

    def reason(self, connection: Connection, encoding: Encoding) -> str | None:
        """Return why ``"auto"`` takes this method: exact results, states too large for memory, and narrow bonds."""
        if not connection.is_exact:
            return None
        wide = [factor.program for factor in encoding.factors if not _fits(factor.program, connection)]
        if not wide:
            return None
        growth = [bond_growth(program) for program in wide]
        widest = max(one.widest for one in growth)
        if widest * _moved(growth) > self.max_bond:
            return None
        return (
            f"results on {connection.target_name!r} are exact, a state of {max(p.num_qubits for p in wide)} qubits "
            f"does not fit memory, and the circuit is shallow: no bond gets wider than {widest}"
        )

    def estimate(self, wanted: Fidelities) -> RawKernel:
        """Compute the matrix, with a bound or an estimate of how far truncation moved each entry.

        Raises:
            ValueError: If a sample takes an angle out of its domain, outcomes are to be kept, or readout errors undone.
            StateTooLargeError: If the matrix and the states do not fit memory.
            ImportError: If Qiskit Aer is not installed.
        """
        refuse_outcome_settings(wanted, self.name)
        x, y, factors = wanted.x, wanted.y, wanted.encoding.factors
        for factor in factors:
            check_domain(factor.program, factor.columns, x, y)
        self._check_memory(wanted)
        alone = [factor for factor in factors if factor.program.num_qubits == 1]
        matrix = exact_fidelities(wanted.connection, alone, x, y)
        angles = np.zeros(matrix.shape)
        for factor in factors:
            if factor.program.num_qubits > 1:
                values, turned = self._of_factor(factor, x, y)
                matrix *= values
                angles += turned
        if y is None:
            np.fill_diagonal(angles, 0.0)  # the fidelity of a state with itself is 1, whatever state it is
        errors = np.minimum(1.0, angles * (2 * np.sqrt(matrix) + angles))
        return RawKernel(matrix, None, None, wanted.connection.target_name, truncation_errors=errors)

    def _check_memory(self, wanted: Fidelities) -> None:
        """Refuse, before anything is simulated, what does not fit: matrices, and the states of the widest factor."""
        number = len(wanted.x) + (0 if wanted.y is None else len(wanted.y))
        shape = (len(wanted.x), len(wanted.x if wanted.y is None else wanted.y))
        matrices = check_matrix(shape, _ARRAYS, wanted.connection.max_memory)
        programs = [factor.program for factor in wanted.encoding.factors]
        states = max((_chain_bytes(program, self._widest(program)) for program in programs), default=0)
        needed = matrices + number * states
        if needed > SMALL_BYTES:
            check_memory(
                needed,
                wanted.connection.memory_budget,
                f"The matrix-product states of {number} samples",
                "Use fewer samples (or compute_kernel_matrix with smaller tiles), or a smaller max_bond.",
            )

    def _widest(self, program: RotationProgram) -> int:
        return min(self.max_bond, bond_growth(program).widest)

    def _of_factor(self, factor: Factor, x: FloatArray, y: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """Return the matrix of one factor, and by which angle the two states of each entry may have turned together."""
        rows, row_of = distinct_samples(factor.select(x))
        columns, column_of = (rows, row_of) if y is None else distinct_samples(factor.select(y))
        samples = rows if y is None else np.concatenate([rows, columns])
        chains, turned = self._simulated(factor.program, samples)
        of_columns, turned_columns = chains, turned
        if y is not None:
            of_columns, turned_columns = chains.part(slice(len(rows), None)), turned[len(rows) :]
        values = fidelities(chains.part(slice(0, len(rows))), None if y is None else of_columns)
        angles = turned[: len(rows), None] + turned_columns
        spread = np.ix_(
            np.arange(len(rows)) if row_of is None else row_of,
            np.arange(len(columns)) if column_of is None else column_of,
        )
        return values[spread], angles[spread]

    def _simulated(self, program: RotationProgram, samples: FloatArray) -> tuple[Chains, FloatArray]:
        """Return the states, and by which angle truncation may have turned each."""
        chains = simulated_chains(program, samples, max_bond=self.max_bond, threshold=self.threshold)
        turned = np.full(len(samples), _angle_of_dropped(program, self.threshold, self._widest(program)))
        if not bond_growth(program).surely_fits(self.max_bond):
            bonds, threshold = self.max_bond // _COARSER_BONDS, min(_COARSER_THRESHOLD * self.threshold, 0.5)
            coarser = simulated_chains(program, samples, max_bond=bonds, threshold=threshold)
            cosines = np.abs(paired_overlaps(chains, coarser)) / np.sqrt(norms(chains) * norms(coarser))
            turned += np.arccos(np.clip(cosines, 0.0, 1.0))
        return chains, turned


def _fits(program: RotationProgram, connection: Connection) -> bool:
    """Whether an exact matrix of one factor can be computed from its states."""
    if program.num_qubits <= _ALWAYS_FITS and connection.max_memory is None:
        return True
    return _HELD_STATES * state_memory(program.num_qubits, connection.dtype) <= connection.memory_budget


def _moved(growth: list[BondGrowth]) -> int:
    """Return how much wider bonds may be while qubits are moved to each other, or gates are taken apart."""
    return 1 if all(one.is_local for one in growth) else 4


def _chain_bytes(program: RotationProgram, widest: int) -> int:
    """Return the bytes of one state with bonds of a width."""
    return 2 * 16 * widest**2 * program.num_qubits


def _angle_of_dropped(program: RotationProgram, threshold: float, widest: int) -> float:
    """Return by which angle the weights that are dropped without a cut of bonds turn a state at the most.

    Each gate on several qubits drops weights that together stay below the threshold, and single ones below 10⁻¹⁶; so
    does each move of a qubit to another.
    """
    spans = (operation.support.bit_length() - (operation.support & -operation.support).bit_length()
             for operation in program.operations)  # fmt: skip
    gates = sum(2 * span - 1 for span in spans if span > 0)
    return float(gates * np.arcsin(np.sqrt(min(threshold + 2 * widest * _CHOPPED, 1.0))))
