"""Angles of R_ZZ folded into the range that a device runs, within the one PUB that asks for them.

With r the angle in (-π, π] that is θ up to whole turns, which change the sign of the state only,

    R_ZZ(θ) = R_ZZ(r) = ∓i (Z ⊗ Z) R_ZZ(r ± π)   and   R_ZZ(-r) = (X ⊗ 1) R_ZZ(r) (X ⊗ 1),

so that each angle becomes one in [0, π/2], two rotations R_Z(0 or π), which take no time, and two R_X(0 or π). Which of
them a row of values needs is written into its row: new columns of the parameter array, one PUB as before. A turn that
is the same in all rows becomes a number in the circuit, and one by 0 falls away. qiskit-ibm-runtime's
``convert_to_rzz_valid_pub`` does the same row by row, keeps compound expressions, and takes neither control flow nor
the primitives of the newer generation. The global phase, on which nothing that is measured depends, becomes 0.
"""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, ControlFlowOp, Parameter, ParameterExpression, ParameterVector, Qubit
from qiskit.circuit.library import RXGate, RZGate, RZZGate, XGate
from qiskit.converters import circuit_to_dag
from qiskit.dagcircuit import DAGCircuit
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import Target as DeviceTarget
from qiskit.transpiler.passes import WrapAngles

from qiskit_qml_ext.arrays import BoolArray, FloatArray
from qiskit_qml_ext.exceptions import AngleOutOfRangeError
from qiskit_qml_ext.primitives.pricing import error_free_fraction
from qiskit_qml_ext.primitives.targets.angle_bounds import is_folded
from qiskit_qml_ext.program.expressions import ExpressionCompiler

Angle: TypeAlias = float | ParameterExpression


@dataclass(frozen=True)
class FoldedAngle:
    """What takes the place of one R_ZZ gate: R_Z(z) on both qubits, R_X(x) on the first one around R_ZZ(angle)."""

    angle: Angle
    """In [0, π/2], in radians."""
    z: Angle = 0.0
    """0 or π."""
    x: Angle = 0.0
    """0 or π."""


@functools.cache
def with_angles_folded(primitive: Any, kind: Any, device_of: Callable[[Any], DeviceTarget]) -> Any:
    """Return a primitive's class, by the same name, that folds the angles of its PUBs' R_ZZ gates before it runs them.

    Args:
        primitive: The class.
        kind: ``SamplerPub`` or ``EstimatorPub``.
        device_of: Returns the device of a primitive of the class.
    """

    def run(self: Any, pubs: Iterable[Any], **options: Any) -> Any:
        device, folded = device_of(self), list(pubs)
        if is_folded(device, "rzz"):
            folded = [folded_pub(pub, kind, device) for pub in folded]
        return primitive.run(self, folded, **options)

    kept = {name: getattr(primitive, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(primitive.__name__, (primitive,), {**kept, "run": functools.wraps(primitive.run)(run)})


def folded_pub(pub: Any, kind: Any, device: DeviceTarget) -> Any:
    """Return a PUB of the same shape all of whose R_ZZ angles the device runs; the PUB itself if it is one.

    Args:
        pub: A PUB of a circuit in the device's own gates, of any form that Qiskit takes.
        kind: ``SamplerPub`` or ``EstimatorPub``.
        device: The device.

    Raises:
        AngleOutOfRangeError: If an angle is no finite number for some row of values.
    """
    if not is_folded(device, "rzz"):
        return pub
    coerced = kind.coerce(pub)
    circuit: QuantumCircuit = coerced.circuit
    angles = _angles(circuit)
    if not angles:
        return pub
    names = circuit.parameters
    shape, size = coerced.parameter_values.shape, coerced.parameter_values.size
    values = coerced.parameter_values.as_array(names).reshape(size, len(names))
    folds, columns = _folds_of(circuit, angles, values, has_rows=bool(shape))
    if not folds:
        return pub
    folded = _with_folds(circuit, folds)
    own = {parameter: values[:, column] for column, parameter in enumerate(names)}
    kept = {parameter: (own | columns)[parameter] for parameter in folded.parameters}
    bound = {tuple(kept): np.stack(list(kept.values()), axis=-1).reshape(*shape, len(kept))} if kept else {}
    bindings = BindingsArray(bound, shape=shape)
    if isinstance(coerced, EstimatorPub):
        return EstimatorPub(folded, coerced.observables, bindings, coerced.precision)
    return SamplerPub(folded, bindings, coerced.shots)


def teach_folding() -> None:
    """Let Qiskit's transpiler fold fixed angles of R_ZZ, as the Runtime client from 0.48 on lets it."""
    registry = WrapAngles.DEFAULT_REGISTRY
    try:
        registry.substitute_angle_bounds("rzz", [math.pi], ())
    except KeyError:
        registry.add_wrapper("rzz", wrapped_rotation)


def wrapped_rotation(angles: list[float], qubits: Any) -> DAGCircuit:
    """Return what takes the place of an R_ZZ gate of a fixed angle, as a transpiler's registry asks for it."""
    circuit = QuantumCircuit(2)
    circuit.rzz(float(angles[0]), 0, 1)
    folds, _ = _folds_of(circuit, _angles(circuit), np.zeros((1, 0)))
    return circuit_to_dag(_with_folds(circuit, folds))


def folded_form(circuit: QuantumCircuit, device: DeviceTarget) -> QuantumCircuit:
    """Return what runs for a circuit in the device's own gates where nothing is known of its free angles.

    That is the most that folding adds: two R_X beside each R_ZZ of a free angle.
    """
    if not is_folded(device, "rzz"):
        return circuit
    angles = _angles(circuit)
    free = [angle for angle in angles if isinstance(angle, ParameterExpression)]
    fixed = [angle for angle in angles if not isinstance(angle, ParameterExpression)]
    folds, _ = _folds_of(circuit, fixed, np.zeros((1, circuit.num_parameters)))
    made = _free_names(circuit, 3 * len(free))
    folds |= {angle: FoldedAngle(*made[3 * place : 3 * place + 3]) for place, angle in enumerate(free)}
    return _with_folds(circuit, folds)


def predicted_signal(circuit: QuantumCircuit, device: DeviceTarget) -> float:
    """Return the fraction of shots without an error by the device's reports, of :func:`folded_form`; 0 if unknown."""
    return error_free_fraction(folded_form(circuit, device), device) or 0.0


def _angles(circuit: QuantumCircuit) -> list[Angle]:
    """Return the different angles of a circuit's R_ZZ gates, also within control flow, in the order of the gates."""
    return list(dict.fromkeys(item.params[0] for item in _pair_rotations(circuit)))


def _pair_rotations(circuit: QuantumCircuit) -> Iterator[CircuitInstruction]:
    for item in circuit.data:
        if isinstance(item.operation, ControlFlowOp):
            for block in item.operation.blocks:
                yield from _pair_rotations(block)
        elif item.operation.name == "rzz":
            yield item


def _folds_of(
    circuit: QuantumCircuit, angles: list[Angle], values: FloatArray, *, has_rows: bool = False
) -> tuple[dict[Angle, FoldedAngle], dict[Parameter, FloatArray]]:
    """Fold angles for rows of values.

    Args:
        circuit: The circuit whose parameters the values are of.
        angles: Numbers or expressions.
        values: Shape (rows, parameters), in the order of ``circuit.parameters``.
        has_rows: Whether the PUB has a shape, which would be lost without any parameter: then what expressions become
            is a parameter even where it is the same in all rows.

    Returns:
        What takes the place of each angle that cannot stay, and the columns of the new parameters, shape (rows,).
    """
    compiler = ExpressionCompiler(circuit.parameters)
    numbers = compiler.angle_map([compiler.form(angle) for angle in angles]).evaluate(values)
    _refuse_what_is_no_number(angles, numbers)
    into, z, x = fold(numbers)
    staying = np.all((numbers >= 0) & (numbers <= math.pi / 2), axis=0)
    fresh = iter(_free_names(circuit, 3 * len(angles)))
    folds: dict[Angle, FoldedAngle] = {}
    columns: dict[Parameter, FloatArray] = {}

    def entry(column: FloatArray, *, is_free: bool = False) -> Angle:
        if not is_free and np.all(column == column[:1]):
            return float(column[0])
        name = next(fresh)
        columns[name] = column
        return name

    for place, angle in enumerate(angles):
        # What the service makes of an expression may round to the wrong side of 0: numbers and parameters only stay.
        is_plain = isinstance(angle, Parameter) or not isinstance(angle, ParameterExpression)
        if not (is_plain and staying[place]) and len(values):
            turns = [math.pi * needed[:, place].astype(np.float64) for needed in (z, x)]
            is_free = has_rows and isinstance(angle, ParameterExpression)
            folds[angle] = FoldedAngle(entry(into[:, place], is_free=is_free), *map(entry, turns))
    return folds, columns


def fold(angles: FloatArray) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Fold angles of R_ZZ into [0, π/2].

    Args:
        angles: Any angles in radians.

    Returns:
        The folded angles; whether Z goes onto both qubits; whether X goes around R_ZZ on one of them. All of the same
        shape.
    """
    within = np.arctan2(np.sin(angles), np.cos(angles))  # exact for angles of many turns, which a remainder is not
    z = np.abs(within) > math.pi / 2
    nearer = np.where(z, within - np.copysign(math.pi, within), within)
    return np.minimum(np.abs(nearer), math.pi / 2), z, nearer < 0


def _refuse_what_is_no_number(angles: list[Angle], numbers: FloatArray) -> None:
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        row, place = bad[0]
        raise AngleOutOfRangeError(
            f"A gate rzz gets the angle {numbers[row, place]} from row {row} of the parameter values "
            f"({angles[place]}), but angles must be finite. Nothing was submitted. Leave out such values."
        )


def _free_names(circuit: QuantumCircuit, number: int) -> list[Parameter]:
    """Return parameters whose names the circuit does not have."""
    prefix, taken = "folded", [parameter.name for parameter in circuit.parameters]
    while any(name.startswith(prefix) for name in taken):
        prefix += "_"
    return list(ParameterVector(prefix, number))


def _with_folds(circuit: QuantumCircuit, folds: Mapping[Angle, FoldedAngle]) -> QuantumCircuit:
    folded = circuit.copy_empty_like()
    folded.global_phase = 0
    for item in circuit.data:
        operation = item.operation
        if isinstance(operation, ControlFlowOp):
            blocks = [_with_folds(block, folds) for block in operation.blocks]
            folded._append(item.replace(operation=operation.replace_blocks(blocks)))
        elif operation.name == "rzz" and operation.params[0] in folds:
            for gate, qubits in _gates_of(folds[operation.params[0]], *item.qubits):
                folded._append(CircuitInstruction(gate, qubits))
        else:
            folded._append(item)
    return folded


def _gates_of(fold: FoldedAngle, first: Qubit, second: Qubit) -> Iterator[tuple[Any, tuple[Qubit, ...]]]:
    turn = [] if _is_zero(fold.x) else [(XGate() if fold.x == math.pi else RXGate(fold.x), (first,))]
    if not _is_zero(fold.z):
        yield from ((RZGate(fold.z), (qubit,)) for qubit in (first, second))
    if not _is_zero(fold.angle):
        yield from (*turn, (RZZGate(fold.angle), (first, second)), *turn)


def _is_zero(angle: Angle) -> bool:
    return isinstance(angle, float) and angle == 0.0
