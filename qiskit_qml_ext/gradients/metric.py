"""The metric tensor of a circuit's states: exact, or measured layer by layer."""

from dataclasses import dataclass, field

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.checks import check_arguments, wrong_value
from qiskit_qml_ext.engine import statevectors
from qiskit_qml_ext.gradients.commuting_layers import CommutingLayer, commuting_layers
from qiskit_qml_ext.gradients.error_propagation import observables_are_independent
from qiskit_qml_ext.gradients.matrix_estimate import MatrixEstimate
from qiskit_qml_ext.gradients.parameter_rows import ParameterChoice, ParameterValues, check_choice
from qiskit_qml_ext.gradients.problem import Problem, pose
from qiskit_qml_ext.gradients.readings import Question, Readings, read_all
from qiskit_qml_ext.gradients.second_derivatives import finite, require_exact
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import (
    RotationProgram,
    angles_and_slopes,
    circuit_with_free_angles,
    lower,
    multiply,
    program_with_free_angles,
)

_APPROXIMATIONS = (None, "block_diagonal")
_MAX_BYTES = 2**27  # of states at once


@check_arguments(parameters=check_choice)
def metric_tensor(
    circuit: QuantumCircuit,
    values: ParameterValues,
    *,
    approximation: str | None = None,
    connection: Connection | None = None,
    parameters: ParameterChoice | None = None,
) -> MatrixEstimate:
    r"""Return the Fubini-Study metric g_ij = Re(⟨∂_iψ|∂_jψ⟩ - ⟨∂_iψ|ψ⟩⟨ψ|∂_jψ⟩); the quantum Fisher information is 4 g.

    A rotation's derivative is a state again, ∂ψ/∂φ_g = ψ(φ_g + π)/2, so that R + 1 states and the chain rule suffice.
    ``approximation="block_diagonal"`` leaves out what rotations of different layers have in common; a layer holds
    rotations whose generators commute. Its block is (⟨P_i P_j⟩ - ⟨P_i⟩⟨P_j⟩)/4 in the state just before the layer, so
    that any estimator measures it, with one circuit a layer.

    Args:
        circuit: The circuit.
        values: Parameter values, shape (…, P), or by name; see :func:`jacobian`.
        approximation: None for the whole tensor, which needs an exact connection, or ``"block_diagonal"``.
        connection: Where circuits run; exact by default.
        parameters: Positions or names to differentiate by; all by default.

    Returns:
        The estimate; its ``matrix`` has the shape (…, parameters, parameters). Exact ones are positive semidefinite;
        measured ones need not be (add a multiple of the identity, or project, before you solve with one). A measured
        entry has a bias of 1/shots of its covariance where strings share shots, below its standard error; that error is
        stated up to √3 too large where an expectation value next to 0 makes it the error of a square.

    Raises:
        ValueError: The whole tensor is asked of a connection that is not exact, or ``values`` has the wrong shape.

    References:
        Stokes et al., arXiv:1909.02108.

    Example:
        >>> from qiskit.circuit import Parameter
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.ry(Parameter("a"), 0)
        >>> metric_tensor(circuit, [0.3]).matrix.round(12).tolist()
        [[0.25]]
    """
    if approximation not in _APPROXIMATIONS:
        raise wrong_value("approximation", f"one of {', '.join(map(repr, _APPROXIMATIONS))}", approximation)
    width = circuit.num_qubits if isinstance(circuit, QuantumCircuit) else 1
    nothing = SparsePauliOp("I" * max(width, 1))
    problem = pose(circuit, nothing, values, parameters=parameters, connection=connection)
    if approximation is None:
        require_exact(
            problem.connection, "the whole metric_tensor", 'approximation="block_diagonal" can be measured there.'
        )
    matrix, errors, evaluations = _whole(problem) if approximation is None else _block_diagonal(problem)
    outer = (*problem.batch, len(problem.columns), len(problem.columns))
    return MatrixEstimate(
        matrix=matrix.reshape(outer),
        standard_errors=errors.reshape(outer),
        method="states" if approximation is None else approximation,
        reason=_WHOLE if approximation is None else _BLOCKS,
        target=problem.connection.target_name,
        conditions=problem.conditions,
        num_evaluations=evaluations,
        rows=problem.names,
        columns=problem.names,
        quantity="entries of the metric tensor",
    )


_WHOLE = "The whole tensor, from overlaps of states."
_BLOCKS = "What rotations of different layers have in common is left out."


def _whole(problem: Problem) -> tuple[FloatArray, FloatArray, int]:
    program = lower(problem.circuit)
    angles, slopes = angles_and_slopes(program, problem.values, problem.columns)
    finite(slopes)
    moved = np.flatnonzero(np.any(slopes != 0, axis=(0, 2)))
    count = len(problem.columns)
    result = np.zeros((len(problem.values), count, count))
    at_once = max(1, _MAX_BYTES // (16 * (1 + len(moved)) << program.num_qubits))
    for first in range(0, len(result), at_once):
        rows = slice(first, first + at_once)
        by_rotation = _of_rotations(program, angles[rows], moved, problem.connection)
        chain = slopes[rows, moved]
        tensors = chain.swapaxes(1, 2) @ by_rotation @ chain
        result[rows] = (tensors + tensors.swapaxes(1, 2)) / 2
    return result, np.zeros(result.shape), len(problem.values) * (1 + len(moved))


def _of_rotations(
    program: RotationProgram, angles: FloatArray, moved: IndexArray, connection: Connection
) -> FloatArray:
    """Return the metric by the angles of some rotations, shape (B, D, D), for all angles (B, R)."""
    shifts = np.zeros((1 + len(moved), angles.shape[1]))
    shifts[1 + np.arange(len(moved)), moved] = np.pi
    points = (angles[:, None] + shifts).reshape(len(angles) * len(shifts), angles.shape[1])
    free = program_with_free_angles(program)
    states = statevectors(free, points, dtype=connection.dtype, max_memory=connection.max_memory)
    states = states.reshape(len(angles), len(shifts), 1 << program.num_qubits)
    by_angle = states[:, 1:] / 2
    overlaps = by_angle.conj() @ states[:, 0, :, None]
    products = by_angle.conj() @ by_angle.swapaxes(1, 2)
    return np.asarray(np.real(products - overlaps @ overlaps.conj().swapaxes(1, 2)), dtype=np.float64)


def _block_diagonal(problem: Problem) -> tuple[FloatArray, FloatArray, int]:
    program, where = lower(problem.circuit), problem.connection
    angles, slopes = angles_and_slopes(program, problem.values, problem.columns)
    finite(slopes)
    moved = np.any(slopes != 0, axis=(0, 2))
    layers = [layer for layer in commuting_layers(program) if np.any(moved[list(layer.rotations)])]
    blocks = [_Block(layer, slopes) for layer in layers]
    questions = [block.question(angles, program.num_qubits) for block in blocks]
    shape = (len(problem.values), len(problem.columns), len(problem.columns))
    together, apart, total = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    independent = observables_are_independent(where)
    for block, readings in zip(blocks, read_all(questions, where), strict=True):
        tensor, errors = block.tensor(readings, independent=independent)
        total += tensor
        apart += errors**2
        together += errors
    errors = together if where.target.may_repeat_noise else np.sqrt(apart)
    return total, errors, len(problem.values) * len(layers)


@dataclass(frozen=True, eq=False)
class _Block:
    """What a layer adds to the tensor: g_kl = c_kl + Σ_s linear[s]_kl e_s - ¼ (Σ_s first[s]_k e_s)(Σ_s first[s]_l e_s).

    e_s are the expectation values of K different strings.
    """

    layer: CommutingLayer
    """The layer."""
    slopes: FloatArray = field(repr=False)
    """Of all rotations by the parameters, shape (B, R, C)."""

    def question(self, angles: FloatArray, num_qubits: int) -> Question:
        """Ask for the strings and their products just before the layer."""
        circuit = circuit_with_free_angles(self.layer.before)
        points = angles[:, list(self.layer.kept)][:, [parameter.index for parameter in circuit.parameters]]
        masks = [[value >> qubit & 1 for qubit in range(num_qubits)] for pair in self._strings for value in pair]
        bits = np.array(masks, dtype=np.bool_).reshape(-1, 2, num_qubits)
        return Question(circuit, points, [SparsePauliOp(Pauli((z, x))) for x, z in bits])

    def tensor(self, readings: Readings, *, independent: bool) -> tuple[FloatArray, FloatArray]:
        """Return the block's part of the tensor and its standard errors, shape (B, C, C) each."""
        linear, first, constant = self._coefficients()
        values, variances = readings.values, readings.errors**2
        mean = np.einsum("bsk,bs->bk", first, values)
        spread = np.einsum("bsk,bsl,bs->bkl", first, first, variances)
        tensor = constant + np.einsum("bskl,bs->bkl", linear, values)
        tensor -= (mean[:, :, None] * mean[:, None, :] - spread) / 4  # E ê² = e² + σ²
        outer = first[:, :, :, None] * mean[:, None, None, :]
        slopes = linear - (outer + outer.swapaxes(2, 3)) / 4
        if independent:
            leading = np.einsum("bskl,bs->bkl", slopes**2, variances)
        else:
            leading = np.einsum("bskl,bs->bkl", np.abs(slopes), readings.errors) ** 2
        own = np.einsum("bkk->bk", spread)
        return tensor, np.sqrt(leading + (own[:, :, None] * own[:, None, :] + spread**2) / 16)

    @property
    def _moved(self) -> list[int]:
        """Places in the layer of the rotations that a parameter moves."""
        driven = np.any(self.slopes[:, list(self.layer.rotations)] != 0, axis=(0, 2))
        return [int(place) for place in np.flatnonzero(driven)]

    @property
    def _strings(self) -> list[tuple[int, int]]:
        """The different strings that are measured, as masks (x, z)."""
        chosen = [self.layer.strings[place] for place in self._moved]
        products = [multiply(one, other)[:2] for at, one in enumerate(chosen) for other in chosen[at + 1 :]]
        wanted = dict.fromkeys([*(one[:2] for one in chosen), *products])
        return [string for string in wanted if string != (0, 0)]

    def _coefficients(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """``linear`` (B, K, C, C), ``first`` (B, K, C) and c (B, C, C)."""
        moved, place = self._moved, {string: at for at, string in enumerate(self._strings)}
        batch, _, count = self.slopes.shape
        linear, first = np.zeros((batch, len(place), count, count)), np.zeros((batch, len(place), count))
        constant = np.zeros((batch, count, count))
        chain = self.slopes[:, [self.layer.rotations[at] for at in moved]]
        strings = [self.layer.strings[at] for at in moved]
        for one, string in enumerate(strings):
            if string[:2] in place:
                first[:, place[string[:2]]] += string[2] * chain[:, one]
            for other, another in enumerate(strings):
                x, z, power = multiply(string, another)
                part = (1 - power) * chain[:, one, :, None] * chain[:, other, None, :] / 4
                if (x, z) in place:
                    linear[:, place[x, z]] += part
                else:
                    constant += part
        return linear, first, constant
