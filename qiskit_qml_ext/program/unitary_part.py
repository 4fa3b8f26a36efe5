"""A circuit's unitary as a circuit again: what can be inverted, controlled and composed.

Users' circuits come with final measurements, classical registers, leading resets and ``initialize``, of which none has
an inverse. :func:`unitary_part` leaves out what does not belong to the unitary and refuses what has none.
:func:`synthesised` goes one step further and replaces what a device would have to approximate by the gates that it
would run, so that the inverse of the result is the inverse of what runs. All decisions are made by class, never by
name: a custom gate called "delay" is a gate.
"""

import sys
from collections.abc import Collection, Sequence

import numpy as np
from qiskit.circuit import (
    AnnotatedOperation,
    Barrier,
    BreakLoopOp,
    ContinueLoopOp,
    ControlFlowOp,
    Delay,
    Gate,
    Measure,
    ParameterExpression,
    QuantumCircuit,
    Qubit,
    Reset,
)
from qiskit.circuit import Operation as CircuitOperation
from qiskit.circuit.library import Initialize, StatePreparation
from qiskit.quantum_info import Clifford

from qiskit_qml_ext.exceptions import UnsupportedCircuitError

ADVICE = "Exact simulation needs a unitary circuit; run this one on a sampler such as AerSimulator."


def unitary_part(circuit: QuantumCircuit, *, timing: bool = False) -> QuantumCircuit:
    """Return the circuit's unitary, acting on |0…0>, on the same qubits and with the same parameters.

    Final measurements, classical registers, barriers, delays and directives are left out, resets of qubits on which
    nothing has acted are dropped, and ``initialize`` on such qubits becomes a ``StatePreparation``. Instructions that
    hide such things in their definition are expanded; gates stay as they are. The given circuit is not changed.

    Args:
        circuit: Any circuit that is unitary but for its beginning and its end.
        timing: Whether barriers and delays stay in: what a device runs depends on them.

    Returns:
        A new circuit with the qubits, quantum registers, parameters and global phase of ``circuit``.

    Raises:
        UnsupportedCircuitError: A qubit is measured or reset in the middle, or the circuit has control flow or another
            instruction without a unitary; the message names the instruction.

    Example:
        >>> circuit = QuantumCircuit(1)
        >>> circuit.reset(0) and circuit.h(0) and circuit.measure_all()
        >>> list(unitary_part(circuit).count_ops())
        ['h']
    """
    part = empty_like(circuit)
    _Copier(part, timing).enter(circuit, circuit.qubits)
    return part


def is_directive(operation: CircuitOperation) -> bool:
    """Tell whether an operation says something about a circuit without acting on its bits.

    These are barriers, delays of any duration and Aer's instructions that save a result. What else is marked as a
    directive may act all the same: a store writes into classical bits, Aer's ``set_statevector`` replaces the state.
    """
    if isinstance(operation, Barrier | Delay):
        return True
    aer = sys.modules.get("qiskit_aer.library.save_instructions.save_data")  # without it there are no such objects
    return aer is not None and isinstance(operation, aer.SaveData)


def empty_like(circuit: QuantumCircuit) -> QuantumCircuit:
    """A circuit with the qubits, quantum registers and global phase of another, without instructions."""
    part = QuantumCircuit(name=circuit.name, global_phase=circuit.global_phase, metadata=circuit.metadata)
    part.add_bits(circuit.qubits)
    for register in circuit.qregs:
        part.add_register(register)
    return part


class _Copier:
    """Copies the unitary instructions of circuits, entering the definitions of those that are none."""

    def __init__(self, part: QuantumCircuit, timing: bool) -> None:
        self._part = part
        self._timing = timing
        self._touched: set[Qubit] = set()
        self._measured: set[Qubit] = set()

    def enter(self, circuit: QuantumCircuit, qubits: Sequence[Qubit]) -> None:
        place = dict(zip(circuit.qubits, qubits, strict=True))
        for instruction in circuit.data:
            self._copy(instruction.operation, [place[qubit] for qubit in instruction.qubits])

    def _copy(self, operation: CircuitOperation, qubits: list[Qubit]) -> None:
        after_the_end = bool(self._measured.intersection(qubits))
        if self._timing and isinstance(operation, Barrier | Delay) and not after_the_end:
            self._part.append(operation, qubits)
            return
        if is_directive(operation):
            if isinstance(operation, Delay) and isinstance(operation.duration, ParameterExpression):
                self._part.global_phase += 0 * operation.duration  # the circuit keeps its parameters
            return
        if isinstance(operation, Measure):
            self._measured.update(qubits)
            return
        self._refuse(operation, qubits)
        if isinstance(operation, Reset):
            return
        if isinstance(operation, Initialize):
            self._part.append(_preparation(operation), qubits)
        elif isinstance(operation, Gate | Clifford | AnnotatedOperation):
            self._part.append(operation, qubits)
        else:
            self._expand(operation, qubits)
            return
        self._touched.update(qubits)

    def _expand(self, operation: CircuitOperation, qubits: list[Qubit]) -> None:
        definition = definition_of(operation)
        if definition is None:
            raise UnsupportedCircuitError(
                f"The instruction {operation.name!r} has neither a definition nor a unitary matrix "
                f"({type(operation).__name__}). {ADVICE}"
            )
        self._part.global_phase += definition.global_phase
        self.enter(definition, qubits)

    def _refuse(self, operation: CircuitOperation, qubits: list[Qubit]) -> None:
        refuse_non_unitary(
            operation,
            touched=[self._part.find_bit(qubit).index for qubit in qubits if qubit in self._touched],
            measured=[self._part.find_bit(qubit).index for qubit in qubits if qubit in self._measured],
        )


def refuse_non_unitary(operation: CircuitOperation, *, touched: Collection[int], measured: Collection[int]) -> None:
    """Raise if an operation is not unitary where it stands.

    Args:
        operation: The operation; no measurement and no directive.
        touched: Those of its qubits on which something has acted before.
        measured: Those of its qubits that have been measured before.

    Raises:
        UnsupportedCircuitError: The message names the instruction and says what to do.
    """
    name = operation.name
    if isinstance(operation, ControlFlowOp | BreakLoopOp | ContinueLoopOp):
        raise UnsupportedCircuitError(f"The circuit contains the control-flow instruction {name!r}. {ADVICE}")
    if measured and not operation.num_clbits:  # what else has classical bits is opened and may only measure
        raise UnsupportedCircuitError(
            f"Qubit {min(measured)} is measured before the instruction {name!r} acts on it; only measurements at the "
            f"end of a circuit are supported. {ADVICE}"
        )
    if isinstance(operation, Reset | Initialize) and touched:
        raise UnsupportedCircuitError(
            f"The instruction {name!r} resets qubit {min(touched)} after other instructions acted on it, which is "
            f"not unitary. {ADVICE}"
        )


def definition_of(operation: CircuitOperation) -> QuantumCircuit | None:
    """The definition of an operation, or None if it has none.

    Raises:
        UnsupportedCircuitError: The operation is a placeholder that has a definition only once its parameters are
            bound, or computing the definition fails; the message names it and says what to use instead.
    """
    try:
        definition = getattr(operation, "definition", None)
    except Exception as error:  # whatever the author of the instruction raises
        free = any(isinstance(p, ParameterExpression) and p.parameters for p in getattr(operation, "params", ()))
        if not free:
            raise UnsupportedCircuitError(
                f"The definition of the instruction {operation.name!r} ({type(operation).__name__}) cannot be "
                f"computed: {error}"
            ) from error
        raise UnsupportedCircuitError(
            f"The instruction {operation.name!r} ({type(operation).__name__}) is a placeholder: it is defined only "
            "once its parameters are bound. Bind them first (assign_parameters), or use a circuit whose gates have "
            "free parameters: for data in the amplitudes of a state (raw_feature_vector) AmplitudeFeatureMap of "
            "qiskit_qml_ext.circuits, for the evolution under a Hamiltonian PauliEvolutionGate."
        ) from error
    return definition if isinstance(definition, QuantumCircuit) else None


def _preparation(operation: Initialize) -> StatePreparation:
    """The gate that prepares from |0…0> what an ``Initialize`` sets."""
    params = list(operation.params)
    if all(isinstance(value, str) for value in params):
        return StatePreparation("".join(params))
    if len(params) == 1:
        return StatePreparation(int(np.real(params[0])), operation.num_qubits)
    return StatePreparation(params)
