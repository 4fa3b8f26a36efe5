"""Gates that a noise model knows run as they are: no transpiler may replace them, and with them their noise.

An optimiser merges rotations, cancels pairs, and takes whatever gates are shortest. On a device that is right: the
noise is that of what runs in the end. A bare noise model instead says what happens to gates by their names, so an
optimiser would take errors away, or bring in errors of gates that the circuit does not have.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlFlowOp,
    Gate,
    Instruction,
    Operation,
    Parameter,
    ParameterExpression,
)
from qiskit.circuit.library import XXMinusYYGate, XXPlusYYGate
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.primitives.targets.identity import (
    STRUCTURE,
    append_definition,
    class_of,
    definition_of,
    is_standard,
)


def noise_of(simulator: Any) -> Any:
    """Return a simulator's noise model, ``None`` where it has none or an ideal one."""
    noise = getattr(simulator.options, "noise_model", None)
    return None if noise is None or noise.is_ideal() else noise


def names_with_errors(noise: Any) -> frozenset[str]:
    """Return the names and labels on which a noise model has errors, those of the readout left out."""
    return frozenset(noise._default_quantum_errors) | frozenset(noise._local_quantum_errors)


def noise_has_readout_errors(noise: Any) -> bool:
    """Tell whether a noise model has errors of the readout."""
    return noise._default_readout_error is not None or bool(noise._local_readout_errors)


def noise_name(operation: Operation) -> str:
    """Return the name by which a noise model knows an operation: its label, if somebody gave it one, or its name."""
    label = getattr(operation, "label", None)
    if label is None or (class_of(operation) in (XXMinusYYGate, XXPlusYYGate) and label in ("(XX-YY)", "(XX+YY)")):
        return operation.name  # those two have labels of their own
    return str(label)


def acts_on(noise: Any, circuit: QuantumCircuit) -> bool:
    """Tell whether a noise model has an error on any instruction of a circuit, at the qubits where it stands."""
    everywhere = set(noise._default_quantum_errors)
    local = {name: {tuple(qubits) for qubits in errors} for name, errors in noise._local_quantum_errors.items()}

    def hit(block: QuantumCircuit, index: Callable[[Any], int]) -> bool:
        for item in block.data:
            operation = item.operation
            if isinstance(operation, ControlFlowOp):
                for inner in operation.blocks:
                    outer = dict(zip(inner.qubits, item.qubits, strict=True))
                    if hit(inner, lambda bit, outer=outer: index(outer[bit])):  # type: ignore[misc]
                        return True
            name = noise_name(operation)
            if name in everywhere or tuple(index(qubit) for qubit in item.qubits) in local.get(name, ()):
                return True
        return False

    if noise._custom_noise_passes:
        return True  # relaxation during delays and the like: not known by gates
    return hit(circuit, lambda qubit: int(circuit.find_bit(qubit).index))


def without_effect(noise: Any, circuit: QuantumCircuit) -> str:
    """Say that a noise model does nothing to a circuit."""
    if not names_with_errors(noise):
        return "The noise model has errors of the readout only, which are left out here, so that no error acts."
    names = {item.operation.name for item in circuit.data if not isinstance(item.operation, STRUCTURE)}
    return (
        f"The noise model has errors on {', '.join(sorted(names_with_errors(noise)))}, but the circuit runs "
        f"{', '.join(sorted(names)) or 'no gates'}, so that no gate error acts. Add errors for these gates, or "
        "write the circuit in the gates of the model."
    )


@dataclass
class KeptGates:
    """Hides gates from the transpiler under names that it does not know, and puts them back."""

    noisy: frozenset[str]
    """The names and labels on which the noise model has errors."""
    native: frozenset[str]
    """The names of the simulator's gates."""
    _originals: dict[str, Instruction] = field(default_factory=dict)
    _known: dict[object, str] = field(default_factory=dict)

    def hide(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """Return the circuit with placeholders for the gates; composite gates are opened to find those inside."""
        hidden = circuit.copy_empty_like()
        for item in circuit.data:
            operation = item.operation
            if isinstance(operation, ControlFlowOp):
                blocks = [self.hide(block) for block in operation.blocks]
                hidden.append(operation.replace_blocks(blocks), item.qubits, item.clbits)
            elif self._stays(operation):
                hidden.append(self._placeholder(operation), item.qubits)
            elif self._has_inside(operation):
                append_definition(hidden, item, self.hide(definition_of(operation)))
            else:
                hidden.append(item)
        return hidden

    def allow(self, device: DeviceTarget) -> DeviceTarget:
        """Return the simulator's gates together with the placeholders."""
        for name, gate in self._originals.items():
            parameters = [Parameter(f"kept {index}") for index in range(len(self._numbers(gate)))]
            device.add_instruction(Instruction(name, gate.num_qubits, 0, parameters), name=name)
        return device

    def restore(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """Put the gates back in the place of their placeholders."""
        restored = circuit.copy_empty_like()
        for item in circuit.data:
            operation = item.operation
            if isinstance(operation, ControlFlowOp):
                blocks = [self.restore(block) for block in operation.blocks]
                restored.append(operation.replace_blocks(blocks), item.qubits, item.clbits)
            elif operation.name in self._originals:
                gate = self._originals[operation.name].to_mutable()
                if operation.params:
                    gate.params = list(operation.params)
                restored.append(gate, item.qubits)
            else:
                restored.append(item)
        restored._layout = circuit.layout
        return restored

    def _placeholder(self, gate: Gate) -> Instruction:
        numbers = self._numbers(gate)
        # gates with other parameters (matrices), or with a definition of their own, each have one
        alike = class_of(gate), gate.name, gate.label, gate.num_qubits, getattr(gate, "ctrl_state", None)
        key: object = alike if numbers or (is_standard(gate) and not gate.params) else object()
        if key not in self._known:
            self._known[key] = f"kept gate {len(self._originals)}"
            self._originals[self._known[key]] = gate
        # an instruction, not a gate: optimisers look for the matrices of gates
        return Instruction(self._known[key], gate.num_qubits, 0, numbers)

    @staticmethod
    def _numbers(gate: Instruction) -> list[Any]:
        """Return the parameters that the transpiler may see: those of standard gates, if they are numbers."""
        kinds = (int, float, np.number, ParameterExpression)
        if is_standard(gate) and all(isinstance(value, kinds) for value in gate.params):
            return list(gate.params)
        return []

    def _has_inside(self, operation: Operation) -> bool:
        if isinstance(operation, (*STRUCTURE, AnnotatedOperation)) or is_standard(operation):
            return False
        definition = getattr(operation, "definition", None)
        if definition is None:
            return False
        return any(
            noise_name(item.operation) in self.noisy or self._has_inside(item.operation) for item in definition.data
        )

    def _stays(self, operation: Operation) -> bool:
        if not isinstance(operation, Gate):
            return False
        return noise_name(operation) in self.noisy or (is_standard(operation) and operation.name in self.native)
