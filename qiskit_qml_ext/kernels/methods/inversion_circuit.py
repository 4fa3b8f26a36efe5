"""The circuit of a sampled kernel: U(y)†U(x), measured.

U† must be the inverse of what runs. A gate's own ``inverse()`` need not be: that of a ``PauliEvolutionGate`` is the
evolution over the negative time, and after a product formula of terms that do not commute the two are no inverses of
each other. So the feature map is taken down to gates whose inverse survives synthesis before it is inverted; only on
targets that apply each gate's own matrix, evolution gates stay as they are and are inverted exactly. Barriers and
delays of the feature map are their own inverses.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import (
    AnnotatedOperation,
    Barrier,
    ControlledGate,
    Delay,
    Gate,
    InverseModifier,
    Operation,
    Parameter,
    ParameterVector,
    Qubit,
)
from qiskit.circuit.library import (
    DiagonalGate,
    HamiltonianGate,
    PauliGate,
    PermutationGate,
    StatePreparation,
    UnitaryGate,
    get_standard_gate_name_mapping,
)

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives import Connection, circuit_key
from qiskit_qml_ext.primitives.approximation import circuit_on, synthesis_error, used_qubits
from qiskit_qml_ext.primitives.content import renamed
from qiskit_qml_ext.program import RotationProgram, approximations, lower, synthesised
from qiskit_qml_ext.program.unitary_part import definition_of

_MAX_KEPT_TESTS = 256  # of feature maps; a kernel that is trained has another one at each step

REGISTER = "meas"
"""The classical register of an inversion test, its only one."""


_INVERTED_TRULY = (
    ControlledGate,
    DiagonalGate,
    HamiltonianGate,
    PauliGate,
    PermutationGate,
    StatePreparation,
    UnitaryGate,
)
"""Gates, besides Qiskit's standard ones, whose ``inverse()`` is the inverse of what the transpiler makes of them."""


@dataclass(frozen=True, eq=False)
class InversionTest:
    """What a target runs for a feature map."""

    circuit: QuantumCircuit
    """The measured circuit U(y)†U(x); its parameters are those of x, then those of y."""
    key: str
    """Its content key."""
    feature_map: QuantumCircuit
    """The circuit that it was made of: one of the same content may have other parameters."""
    unitary: QuantumCircuit
    """The U that runs."""
    columns: IndexArray
    """The features that U depends on, ascending: column j of the data is the feature map's parameter j."""
    approximated: tuple[str, ...]
    """The names of the instructions that run as a product formula instead of their exact exponential."""

    @property
    def num_qubits(self) -> int:
        """The qubits that are measured."""
        return int(self.circuit.cregs[0].size)

    @cached_property
    def program(self) -> RotationProgram | None:
        """:attr:`unitary`, lowered; ``None`` where only devices can run it."""
        try:
            return lower(self.unitary)
        except UnsupportedCircuitError:
            return None

    def error(self, samples: FloatArray) -> float | None:
        """Return by how much the states that run differ from the feature map's; see :func:`synthesis_error`."""
        if not self.approximated:
            return 0.0
        exact = self.feature_map
        if self.unitary.num_qubits != exact.num_qubits:
            exact = circuit_on(exact, used_qubits(exact))
        return synthesis_error(exact, self.unitary, samples)


def inversion_test_on(connection: Connection, feature_map: QuantumCircuit, key: str) -> InversionTest:
    """Return what a connection runs for a feature map, made once for each content.

    A feature map that stands on a device's own qubits in its own gates stays there.

    Args:
        connection: Where it runs.
        feature_map: A circuit from :func:`~qiskit_qml_ext.program.unitary_part`.
        key: Its content key.
    """
    place = (key, tuple(parameter.name for parameter in feature_map.parameters))
    return connection.results.once(
        "inversion tests", place, lambda: _made(connection, feature_map), limit=_MAX_KEPT_TESTS
    )


def inversion_test(
    unitary: QuantumCircuit, parameters: Sequence[Parameter] | None = None, *, annotated: bool = False
) -> QuantumCircuit:
    """Return the measured circuit U(y)†U(x) of a circuit U.

    Its parameters are ``ParameterVector("left", d)`` for x and ``ParameterVector("right", d)`` for y; sorted by name,
    x comes before y. The qubits that U uses are measured into the register :data:`REGISTER`. Registers of U's own do
    not remain, so that no name of theirs can collide.

    Args:
        unitary: U, in gates whose ``inverse()`` is exact.
        parameters: The parameters of x, d in number, of which U may lack some; by default those of U in order.
        annotated: Whether gates that are not Qiskit's standard ones are inverted by an ``InverseModifier``, which says
            that the inverse of their own matrix is meant, instead of by their ``inverse()``.
    """
    ordered = list(unitary.parameters if parameters is None else parameters)
    left, right = (_renamed(unitary, ordered, name) for name in ("left", "right"))
    qubits = used_qubits(unitary)
    circuit = QuantumCircuit(
        QuantumRegister(unitary.num_qubits, "q"), ClassicalRegister(len(qubits), REGISTER), name="inversion_test"
    )
    every = range(unitary.num_qubits)
    circuit.compose(left, every, inplace=True)
    circuit.compose(_annotated_inverse(right) if annotated else right.inverse(), every, inplace=True)
    circuit.barrier()
    circuit.measure(qubits, range(len(qubits)))
    return circuit


def _made(connection: Connection, feature_map: QuantumCircuit) -> InversionTest:
    parameters, unitary = feature_map.parameters, feature_map
    in_place = connection.is_isa(feature_map)
    too_wide = connection.num_qubits is not None and connection.num_qubits < feature_map.num_qubits
    if too_wide or connection.applies_matrices:
        unitary = circuit_on(feature_map, used_qubits(feature_map))  # where a qubit's number means nothing
    approximated: tuple[str, ...] = ()
    if not connection.applies_matrices:
        approximated = approximations(feature_map)
        unitary = _with_true_inverses(unitary, connection.operation_names)
    circuit = inversion_test(unitary, parameters, annotated=connection.applies_matrices)
    if in_place:
        circuit = connection.isa_circuit(circuit, keep_qubits=True)
    kept = [column for column, parameter in enumerate(parameters) if parameter in unitary.parameters]
    return InversionTest(
        circuit, circuit_key(circuit), feature_map, unitary, np.array(kept, dtype=np.intp), approximated
    )


def _renamed(circuit: QuantumCircuit, parameters: Sequence[Parameter], name: str) -> QuantumCircuit:
    present = set(circuit.parameters)
    vector = ParameterVector(name, len(parameters))
    return renamed(circuit, {old: new for old, new in zip(parameters, vector, strict=True) if old in present})


def _annotated_inverse(circuit: QuantumCircuit) -> QuantumCircuit:
    inverse = QuantumCircuit(circuit.num_qubits, global_phase=-circuit.global_phase)
    place = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    for item in reversed(circuit.data):
        operation = item.operation
        if _survives(operation):
            inverted = operation.inverse()
        elif isinstance(operation, AnnotatedOperation):  # Qiskit binds no parameters inside of nested ones
            inverted = AnnotatedOperation(operation.base_op, [*operation.modifiers, InverseModifier()])
        else:
            inverted = AnnotatedOperation(operation, InverseModifier())
        inverse.append(inverted, [place[qubit] for qubit in item.qubits])
    return inverse


def _with_true_inverses(circuit: QuantumCircuit, taken: Collection[str]) -> QuantumCircuit:
    """Return the circuit with everything expanded whose inverse may be none, or that may pass for another gate.

    Args:
        circuit: A unitary circuit.
        taken: Names by which the target knows gates of its own.
    """
    part = circuit.copy_empty_like()
    for item in circuit.data:
        if isinstance(item.operation, Barrier | Delay) or _survives(item.operation, taken):
            part.append(item.operation, item.qubits)
            continue
        alone = QuantumCircuit(len(item.qubits))
        alone.append(item.operation, range(len(item.qubits)))
        _append_known(part, synthesised(alone), item.qubits)
    return part


def _append_known(extended: QuantumCircuit, source: QuantumCircuit, qubits: Sequence[Qubit]) -> None:
    """Append a synthesised circuit, with the definitions of gates whose ``inverse()`` is not known to undo them.

    That of a multiplexer up to a diagonal, for one, has another diagonal.
    """
    extended.global_phase += source.global_phase
    place = dict(zip(source.qubits, qubits, strict=True))
    for item in source.data:
        operation, chosen = item.operation, [place[qubit] for qubit in item.qubits]
        if getattr(operation, "base_class", None) in _standard_classes() or isinstance(operation, _INVERTED_TRULY):
            extended.append(operation, chosen)
        else:
            definition = definition_of(operation)
            assert definition is not None, f"{operation.name} was synthesised"
            _append_known(extended, definition, chosen)


def _survives(operation: Operation, taken: Collection[str] = ()) -> bool:
    """Tell whether ``inverse()`` is the inverse of an operation: a standard gate, or a plain composite of such."""
    if getattr(operation, "base_class", None) in _standard_classes():
        return "to_matrix" not in getattr(operation, "__dict__", {})
    if type(operation) is not Gate or operation.name in taken or operation.name in _standard_names():
        return False
    definition = definition_of(operation)
    return definition is not None and all(_survives(item.operation, taken) for item in definition.data)


@cache
def _standard_names() -> frozenset[str]:
    return frozenset(get_standard_gate_name_mapping())


@cache
def _standard_classes() -> frozenset[type]:
    return frozenset(gate.base_class for gate in get_standard_gate_name_mapping().values() if isinstance(gate, Gate))
