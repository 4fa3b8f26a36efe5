"""States as data: a circuit that prepares any state, and the angles with which it prepares a given one.

What a model takes are rows of numbers. So a set of states is a matrix of angles, and quantum data go wherever classical
data go: to kernels, to models, to layers, to devices.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector

from qiskit_qml_ext.arrays import ComplexArray, FloatArray, IntArray
from qiskit_qml_ext.checks import check_arguments, truth_value, whole_number

_NORM = 1e-6  # of a norm of 1: what single precision leaves
_MAX_QUBITS = 16  # 131,070 angles


@check_arguments(num_qubits=whole_number, is_real=truth_value)
def state_circuit(num_qubits: int, *, is_real: bool = False) -> QuantumCircuit:
    r"""Return a circuit that prepares any state of some qubits, up to a global phase, from |0…0⟩.

    For each qubit, from the last to the first, a R_y that the qubits above it multiplex, which makes the moduli (for
    real states the signs too); then for each qubit, from the first to the last, a R_z that the qubits above it
    multiplex, which makes the phases. A multiplexed rotation about 2^k states of k qubits is 2^k rotations and 2^k CX
    gates in the order of a Gray code. The parameters ``ParameterVector("x", …)`` are the angles of these rotations in
    the order in which they act: 2^n - 1 for real states, 2 (2^n - 1) for complex ones. :func:`state_angles` finds them.

    Args:
        num_qubits: n, from 1 to 16.
        is_real: Whether all amplitudes are real, which needs no R_z.

    Returns:
        The circuit, with 2^n - 2 CX gates for real states and twice as many for complex ones.

    Raises:
        ValueError: For more than 16 qubits.

    References:
        Möttönen et al., arXiv:quant-ph/0407010.

    Examples:
        >>> import numpy as np
        >>> from qiskit.quantum_info import Statevector
        >>> from qiskit_qml_ext.circuits import state_angles, state_circuit
        >>> angles = state_angles(np.array([[0.6, 0.0, 0.0, -0.8]]))
        >>> circuit = state_circuit(2, is_real=True).assign_parameters(angles[0])
        >>> (Statevector(circuit).data.real + 0.0).round(6).tolist()
        [0.6, 0.0, 0.0, -0.8]
    """
    whole_number("num_qubits", num_qubits, maximum=_MAX_QUBITS)
    number = 2**num_qubits - 1
    angles = iter(ParameterVector("x", number if is_real else 2 * number))
    circuit = QuantumCircuit(num_qubits, name="state")
    for target in reversed(range(num_qubits)):
        _append_multiplexed(circuit, circuit.ry, angles, target)
    for target in range(0 if is_real else num_qubits):
        _append_multiplexed(circuit, circuit.rz, angles, target)
    return circuit


@check_arguments()
def state_angles(states: npt.ArrayLike) -> FloatArray:
    """Return the angles with which :func:`state_circuit` prepares states.

    Args:
        states: Amplitudes of norm 1, shape (number, 2**n), bit j of an index belongs to qubit j. Real ones are meant
            for ``state_circuit(n, is_real=True)``, complex ones for ``state_circuit(n)``, whatever their values are.

    Returns:
        Angles in radians, shape (number, 2**n - 1) for real states and (number, 2 * (2**n - 1)) for complex ones.

    Raises:
        TypeError: The amplitudes are no numbers.
        ValueError: The shape does not fit, an amplitude is not finite, or a norm is not 1.
    """
    amplitudes = _checked_states(states)
    if not np.iscomplexobj(amplitudes):
        return np.concatenate(_moduli_angles(np.asarray(amplitudes, dtype=np.float64)), axis=1)
    return np.concatenate([*_moduli_angles(np.abs(amplitudes)), *_phase_angles(np.angle(amplitudes))], axis=1)


def _append_multiplexed(
    circuit: QuantumCircuit, rotate: Callable[[Parameter, int], object], angles: Iterator[Parameter], target: int
) -> None:
    """Append a rotation of the target for each state of the qubits above it."""
    controls = circuit.num_qubits - 1 - target
    for flipped in _gray_bits(controls):
        rotate(next(angles), target)
        if controls:
            circuit.cx(target + 1 + flipped, target)


def _gray_bits(num_bits: int) -> list[int]:
    """The bit that changes after each word of a Gray code; 0 after the only word of no bits."""
    number = 1 << num_bits
    words = [index ^ (index >> 1) for index in range(number)]
    return [max((words[index] ^ words[(index + 1) % number]).bit_length() - 1, 0) for index in range(number)]


def _moduli_angles(amplitudes: FloatArray) -> list[FloatArray]:
    """Angles of the R_y gates, an array (number, 2^k) for each qubit from the last to the first."""
    level, angles = amplitudes, []
    while level.shape[1] > 1:
        pairs = level.reshape(len(level), -1, 2)
        angles.append(_of_gates(2 * np.arctan2(pairs[..., 1], pairs[..., 0])))  # the first level has the signs
        level = np.hypot(pairs[..., 0], pairs[..., 1])
    return angles[::-1]


def _phase_angles(phases: FloatArray) -> list[FloatArray]:
    """Angles of the R_z gates, an array (number, 2^k) for each qubit from the first to the last."""
    angles = []
    while phases.shape[1] > 1:
        pairs = phases.reshape(len(phases), -1, 2)
        angles.append(_of_gates(pairs[..., 1] - pairs[..., 0]))
        phases = pairs.mean(axis=2)
    return angles


def _of_gates(multiplexed: FloatArray) -> FloatArray:
    """Turn the angle for each state s of the controls into that of each gate: Σ_s (-1)^{s·g_j} angle_s / 2^k.

    A CX flips the sign of the rotations after it, so that the j-th gate acts with the sign (-1)^{s·g_j} in the state s.
    """
    sums, number, half = multiplexed, multiplexed.shape[1], 1
    while half < number:  # the fast Walsh-Hadamard transform, one bit of s at a time
        pairs = sums.reshape(len(sums), -1, 2, half)
        sums = np.stack([pairs.sum(axis=2), pairs[:, :, 0] - pairs[:, :, 1]], axis=2).reshape(len(sums), -1)
        half *= 2
    index: IntArray = np.arange(number)
    return np.asarray(sums[:, index ^ (index >> 1)] / number)


def _checked_states(states: npt.ArrayLike) -> FloatArray | ComplexArray:
    amplitudes = np.asarray(states)
    if amplitudes.dtype.kind not in "fiuc":
        raise TypeError(f"states must be numbers, but an array of {amplitudes.dtype} came.")
    size = amplitudes.shape[-1] if amplitudes.ndim == 2 else 0
    if size < 2 or size & (size - 1):
        raise ValueError(
            f"states must have the shape (number, 2**n), a state a row, but {amplitudes.shape} came. A single state is "
            "an array of shape (1, 2**n)."
        )
    whole_number("The number of qubits of states", size.bit_length() - 1, maximum=_MAX_QUBITS)
    if not np.all(np.isfinite(amplitudes)):
        raise ValueError("states must be finite numbers, but NaN or an infinity is among them.")
    norms = np.linalg.norm(amplitudes, axis=1)
    if np.any(np.abs(norms - 1) > _NORM):
        row = int(np.argmax(np.abs(norms - 1)))
        raise ValueError(f"states must have the norm 1, but that of states[{row}] is {norms[row]:.6g}. Divide by it.")
    return amplitudes
