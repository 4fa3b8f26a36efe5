"""Circuits with free parameters as Aer runs them right.

Aer takes one circuit and many parameter vectors, and puts the values into the simulator's own list of gates. That is an
order of magnitude faster than binding in Python, and wrong for controlled gates: Qiskit's ``is_parameterized`` denies
that these have free parameters, so Aer leaves their angles at 0; and a multiplexer beside a free angle ends the
process. So only the gates in :data:`BOUND_RIGHT` get their values there. Others are translated into these by their own
definitions; and where a noise model watches the gates, so that a translation would change the noise, the values are put
in before the simulator sees the circuit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, ControlFlowOp, Gate, Instruction, Operation, Parameter
from qiskit.circuit.library import (
    GlobalPhaseGate,
    Initialize,
    PhaseGate,
    RGate,
    RXGate,
    RXXGate,
    RYGate,
    RYYGate,
    RZGate,
    RZXGate,
    RZZGate,
    U1Gate,
    U2Gate,
    U3Gate,
    UCGate,
    UGate,
    UnitaryGate,
)

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives.targets.aer.noise import names_with_errors, noise_name
from qiskit_qml_ext.primitives.targets.identity import (
    STRUCTURE,
    append_definition,
    class_of,
    definition_of,
    is_free,
    is_standard,
)
from qiskit_qml_ext.program import synthesised

BOUND_RIGHT: frozenset[type] = frozenset(
    {RXGate, RYGate, RZGate, RGate, PhaseGate, UGate, U1Gate, U2Gate, U3Gate, RXXGate, RYYGate, RZZGate, RZXGate}
)
"""The gates whose free parameters Aer binds right at run time, in every method that has them."""

_MAYBE_MATRIX_PRODUCT = 25  # qubits; statevectors of fewer take at most 256 MiB, so that Aer chooses those


@dataclass(frozen=True)
class Rules:
    """What a simulator can run."""

    method: str
    """The simulation method."""
    gates: frozenset[str]
    """The names of its gates."""
    noisy: frozenset[str] | None = None
    """The names and labels on which the noise model has errors; ``None`` without a noise model."""

    @classmethod
    def of(cls, simulator: Any, options: Mapping[str, Any]) -> "Rules":
        """Return the rules of a simulator, with the options of one run."""
        from qiskit_aer.backends.backend_utils import BASIS_GATES

        method = options.get("method", getattr(simulator.options, "method", None)) or "automatic"
        noise = options.get("noise_model", getattr(simulator.options, "noise_model", None))
        noisy = None if noise is None or noise.is_ideal() else names_with_errors(noise)
        return cls(method, frozenset(BASIS_GATES.get(method, BASIS_GATES["automatic"])), noisy)

    def has(self, operation: Operation) -> bool:
        """Tell whether the simulator has this gate itself."""
        return is_standard(operation) and operation.name in self.gates

    def errors_on(self, operation: Operation) -> bool:
        """Tell whether the noise model has errors on a gate of this label or name."""
        return bool(self.noisy) and noise_name(operation) in (self.noisy or ())


@dataclass(frozen=True)
class Prepared:
    """A circuit for the simulator."""

    circuit: QuantumCircuit
    """The circuit."""
    bind_first: bool
    """Whether values must be put in before the simulator sees it."""


def prepare(circuit: QuantumCircuit, rules: Rules) -> Prepared:
    """Return a circuit that the simulator runs right, equal to the given one up to a global phase.

    Raises:
        UnsupportedCircuitError: If there is none; the message names the gate.
    """
    free = bool(circuit.parameters)
    refuse_free_stabilizers(circuit, rules)
    writer = _Writer(rules, free, circuit.num_qubits)
    written = writer.rewrite(circuit)
    return Prepared(written, free and (writer.bind_first or not written.parameters))


def bound(circuit: QuantumCircuit, rows: Mapping[Parameter, Any], rules: Rules) -> list[QuantumCircuit]:
    """Return a circuit with each row of values put in.

    Args:
        circuit: The circuit before :func:`prepare`.
        rows: Each parameter's values, of shape (rows,).
        rules: The simulator's.
    """
    parameters = list(circuit.parameters)
    values = np.stack([np.ravel(rows[parameter]) for parameter in parameters], axis=1)
    return [
        prepare(circuit.assign_parameters(dict(zip(parameters, row, strict=True))), rules).circuit for row in values
    ]


class _Writer:
    """Writes circuits in a simulator's gates and notes whether values must be put in first."""

    def __init__(self, rules: Rules, free: bool, num_qubits: int):
        self._rules = rules
        # Aer's matrix product states, which it may choose by itself for wide circuits, take the amplitudes of an
        # ``initialize`` wrongly: of 0.6 |00⟩ + 0.8 |11⟩ they make |11⟩.
        self._opens_initialize = rules.method == "matrix_product_state" or (
            rules.method == "automatic" and num_qubits >= _MAYBE_MATRIX_PRODUCT
        )
        self._free = free
        self.bind_first = False

    def rewrite(self, circuit: QuantumCircuit) -> QuantumCircuit:
        written = circuit.copy_empty_like()
        written.global_phase = 0
        for item in circuit.data:
            self._write(written, item)
        return written

    def _write(self, circuit: QuantumCircuit, item: CircuitInstruction) -> None:
        operation = item.operation
        if isinstance(operation, ControlFlowOp):
            blocks = [self.rewrite(block) for block in operation.blocks]
            circuit.append(operation.replace_blocks(blocks), item.qubits, item.clbits)
        elif class_of(operation) is GlobalPhaseGate:
            return
        elif not isinstance(operation, Instruction):  # annotated operations, Cliffords
            self._append(circuit, item, synthesised(_alone(operation)))
        elif isinstance(operation, Initialize) and self._opens_initialize:
            if self._rules.errors_on(operation):
                raise UnsupportedCircuitError(
                    "Aer's matrix product states cannot run 'initialize' with the noise model's errors on it. Prepare "
                    "the state with gates, or choose another method."
                )
            self._append(circuit, item, definition_of(operation))
        elif isinstance(operation, (*STRUCTURE, Initialize)) or self._stays(operation):
            circuit.append(item)
        elif self._rules.noisy is not None and self._is_one_gate(operation):
            self._write_as_matrix(circuit, item)
        elif class_of(operation) is UnitaryGate or (not hasattr(operation, "definition")):
            raise UnsupportedCircuitError(f"Aer's method {self._rules.method!r} cannot run {operation.name!r}.")
        else:
            self._append(circuit, item, definition_of(operation))

    def _append(self, circuit: QuantumCircuit, item: CircuitInstruction, definition: QuantumCircuit) -> None:
        inner = QuantumCircuit(definition.qubits, definition.clbits)
        for part in definition.data:
            self._write(inner, part)
        append_definition(circuit, item, inner)

    def _stays(self, operation: Operation) -> bool:
        """Tell whether the simulator can be given a gate as it is."""
        if not isinstance(operation, Gate):  # Aer's own instructions, channels
            return class_of(operation).__module__.startswith("qiskit_aer") or operation.definition is None
        if not self._rules.has(operation):
            return False
        if self._free and class_of(operation) is UCGate:
            if self._rules.noisy is None:
                return False
            self.bind_first = True
        if is_free(operation) and class_of(operation) not in BOUND_RIGHT:
            if self._rules.noisy is None:
                return False
            self.bind_first = True
        return True

    def _is_one_gate(self, operation: Operation) -> bool:
        """Tell whether noise sees a gate that the simulator lacks as one gate."""
        return is_standard(operation) or self._rules.errors_on(operation)

    def _write_as_matrix(self, circuit: QuantumCircuit, item: CircuitInstruction) -> None:
        """Append a matrix under the gate's label, by which noise models know it."""
        operation = item.operation
        if is_free(operation):
            self.bind_first = True
            circuit.append(item)
            return
        circuit.append(UnitaryGate(_matrix(operation), label=noise_name(operation)), item.qubits, item.clbits)


def _alone(operation: Operation) -> QuantumCircuit:
    circuit = QuantumCircuit(operation.num_qubits)
    circuit.append(operation, range(operation.num_qubits))
    return circuit


def _matrix(operation: Operation) -> Any:
    from qiskit.quantum_info import Operator

    try:
        return Operator(operation).data
    except Exception as error:
        raise UnsupportedCircuitError(
            f"The noise model has errors on {operation.name!r}, which the simulator lacks and which has no matrix."
        ) from error


def refuse_free_stabilizers(circuit: QuantumCircuit, rules: Rules) -> None:
    """Refuse free parameters where only Clifford gates run.

    Raises:
        UnsupportedCircuitError: If the method is the stabilizer one and the circuit has free parameters.
    """
    if rules.method != "stabilizer" or not circuit.parameters:
        return
    names = sorted({item.operation.name for item in circuit.data if is_free(item.operation)})
    raise UnsupportedCircuitError(
        f"The stabilizer method runs Clifford gates only, but {', '.join(names)} have free parameters. Use "
        'method="automatic", or put in values that make them Clifford gates before.'
    )
