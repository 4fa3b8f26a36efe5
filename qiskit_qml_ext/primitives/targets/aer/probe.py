"""One look at whether a simulator puts values into a circuit right, before its results are believed.

Simulators have bound free parameters wrongly before (see :mod:`binding`). So the first time that a circuit comes to
a simulator, a copy of it without measurements and without noise is run with two parameter vectors as the real one will
be, and its probabilities, in a basis that shows phases, are compared with those of Qiskit's ``Statevector``. That takes
20 ms for a ZZ kernel of 2 qubits and 200 ms for one of 10, about twice its transpilation and a tenth of the time of a
hundred runs with 1,000 shots; a circuit that was looked at costs 20 μs.
"""

import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Barrier, ControlFlowOp, Delay, Measure, Parameter, ParameterVector, Reset
from qiskit.circuit.library import Initialize, UGate, UnitaryGate
from qiskit.quantum_info import Statevector

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.exceptions import WrongSimulationError
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.primitives.targets.aer.binding import Rules, prepare
from qiskit_qml_ext.primitives.targets.identity import class_of, is_free

MAX_QUBITS = 10
"""Circuits on more qubits are not looked at: 2¹⁰ amplitudes take milliseconds."""

_EXACT_METHODS = ("automatic", "statevector", "density_matrix", "matrix_product_state", "tensor_network")
_TOLERANCE = {"double": 1e-5, "single": 1e-3}  # above rounding and MPS truncation, far below a wrong angle's effect
_MAX_KEPT = 256
_seen: "weakref.WeakKeyDictionary[Any, _LookedAt]" = weakref.WeakKeyDictionary()
_lock = Lock()


def probe(
    simulator: Any,
    circuit: QuantumCircuit,
    rows: Mapping[Parameter, Any],
    rules: Rules,
    options: Mapping[str, Any],
    *,
    original: QuantumCircuit,
) -> None:
    """Compare a simulator with the exact result, once for each simulator and content of a circuit.

    Nothing is compared where the simulator is meant to approximate, where a circuit measures or resets midway, and
    beyond 10 qubits.

    Args:
        simulator: The ``AerSimulator``.
        circuit: The circuit, with free parameters, before it is prepared.
        rows: Each parameter's values, of shape (rows,).
        rules: The simulator's rules.
        options: The options of the run.
        original: The circuit as the caller holds it, by which a circuit that was looked at is known again.

    Raises:
        WrongSimulationError: If the results differ; the message names the gates.
    """
    if rules.method not in _EXACT_METHODS or getattr(
        simulator.options, "matrix_product_state_max_bond_dimension", None
    ):
        return
    looked_at = _looked_at(simulator)
    if looked_at.has(original):
        return
    unitary = _unitary_part(circuit)
    if unitary is not None and unitary.parameters:
        key = f"{circuit_key(unitary)}/{rules.method}"
        if key not in looked_at.keys:
            vectors = _vectors(unitary, rows)
            wrong = _difference(simulator, unitary, vectors, rules, options)
            if wrong > _TOLERANCE.get(str(getattr(simulator.options, "precision", "double")), 1e-5):
                raise WrongSimulationError(_message(simulator, unitary, wrong, rules, options))
        looked_at.keys.add(key)
    looked_at.note(original)


class _LookedAt:
    """The circuits that a simulator ran right: by content, and the last ones by identity, which is faster."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self._circuits: dict[int, tuple[weakref.ref[QuantumCircuit], int]] = {}

    def has(self, circuit: QuantumCircuit) -> bool:
        size, noted = len(circuit.data), self._circuits.get(id(circuit))
        return noted is not None and noted[1] == size and noted[0]() is circuit

    def note(self, circuit: QuantumCircuit) -> None:
        if len(self._circuits) >= _MAX_KEPT:
            self._circuits.clear()
        self._circuits[id(circuit)] = weakref.ref(circuit), len(circuit.data)


def _looked_at(simulator: Any) -> _LookedAt:
    with _lock:
        return _seen.setdefault(simulator, _LookedAt())


def _unitary_part(circuit: QuantumCircuit) -> QuantumCircuit | None:
    """Return the circuit on the qubits that it uses, without final measurements; ``None`` if there is no such part."""
    kept, closed = [], set()
    for item in circuit.data:
        operation = item.operation
        if isinstance(operation, (Barrier, Delay)) or class_of(operation).__module__.startswith("qiskit_aer.library"):
            continue
        if isinstance(operation, Measure):
            closed.update(item.qubits)
        elif (
            isinstance(operation, (ControlFlowOp, Reset, Initialize)) or item.clbits or closed.intersection(item.qubits)
        ):
            return None
        else:
            kept.append(item)
    used = sorted({circuit.find_bit(qubit).index for item in kept for qubit in item.qubits})
    if not 0 < len(used) <= MAX_QUBITS:
        return None
    part = QuantumCircuit(len(used))
    place = {circuit.qubits[index]: part.qubits[new] for new, index in enumerate(used)}
    for item in kept:
        part.append(item.operation, [place[qubit] for qubit in item.qubits])
    return part


def _vectors(circuit: QuantumCircuit, rows: Mapping[Parameter, Any]) -> FloatArray:
    """Return the caller's first vector, and one of angles without any special values, shape (2, parameters)."""
    number = circuit.num_parameters
    first = np.array([np.ravel(rows[parameter])[0] for parameter in circuit.parameters], dtype=np.float64)
    general = 0.4 + 2.0 * np.modf(0.6180339887 * np.arange(1, number + 1))[0]  # golden ratio: no two alike
    try:  # some expressions, such as arccos, do not take all values
        angles: list[Any] = [value for item in _assigned(circuit, general).data for value in item.params]
        defined = bool(np.all(np.isfinite([value for value in angles if isinstance(value, (int, float))])))
    except Exception:
        defined = False
    return np.stack([first, general if defined else first])


def _assigned(circuit: QuantumCircuit, values: FloatArray) -> QuantumCircuit:
    assigned = circuit.assign_parameters(values)
    assert assigned is not None  # it is a copy
    return assigned


def _turned(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit before a turn of each qubit, so that probabilities show phases."""
    turned = circuit.copy()
    for qubit in range(circuit.num_qubits):
        turn = UGate(0.9 + 0.1 * qubit, 0.3, 0.7 + 0.2 * qubit).to_matrix()
        turned.append(UnitaryGate(turn), [qubit])  # a matrix: simulators of devices have few gates
    return turned


def _difference(
    simulator: Any, circuit: QuantumCircuit, values: FloatArray, rules: Rules, options: Mapping[str, Any]
) -> float:
    """Return the largest error of a probability."""
    turned = _turned(circuit)
    expected = [Statevector(_assigned(turned, row)).probabilities() for row in values]
    run = prepare(turned, Rules(rules.method, rules.gates)).circuit
    run.save_probabilities()
    binds = {parameter: values[:, column] for column, parameter in enumerate(turned.parameters)}
    quiet = {**options, "noise_model": None, "shots": 1, "memory": False}
    result = simulator.run([run], parameter_binds=[binds], **quiet).result()
    if not result.success or len(result.results) != len(values):
        return np.inf
    return max(float(np.abs(result.data(index)["probabilities"] - row).max()) for index, row in enumerate(expected))


def _message(simulator: Any, circuit: QuantumCircuit, wrong: float, rules: Rules, options: Mapping[str, Any]) -> str:
    operations = {item.operation.name: item.operation for item in circuit.data if is_free(item.operation)}
    guilty = []
    for name, operation in operations.items():
        alone = QuantumCircuit(operation.num_qubits)
        alone.compose(_turned(alone), inplace=True)
        angles = ParameterVector("a", len(operation.params))
        fresh = operation.to_mutable()
        fresh.params = list(angles)
        alone.append(fresh, range(operation.num_qubits))
        values = np.array([[0.7 + 0.3 * k for k in range(len(angles))], [1.9 - 0.2 * k for k in range(len(angles))]])
        try:
            if _difference(simulator, alone, values, rules, options) > 1e-3:
                guilty.append(name)
        except Exception:  # a gate of the user's whose definition holds the parameters
            continue
    named = ", ".join(guilty or sorted(operations))
    return (
        f"{simulator.name} gives wrong results for {named} with free parameters: probabilities are off by up to "
        f"{wrong:.2g}. This is a fault of the simulator or of a translation for it; nothing was run. Use "
        "connect('exact'), write the gate in terms of rx, ry, rz and cx, or use another version of qiskit-aer."
    )
