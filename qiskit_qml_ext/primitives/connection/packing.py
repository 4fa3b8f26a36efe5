"""Several copies of a small circuit side by side on one large chip, so that one shot gives many results.

Each copy lies on its own region of connected qubits and is transpiled for that region alone. Neighbouring copies may
disturb each other (crosstalk); qubits left free between the regions lessen that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import ParameterVector
from qiskit.primitives import BitArray, DataBin
from qiskit.transpiler import InstructionProperties, Target

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.primitives.targets.identity import with_definitions_of_mistakable
from qiskit_qml_ext.primitives.targets.isa import phase_gates_as_rotations
from qiskit_qml_ext.primitives.targets.transpiling import pass_manager_for

_UNUSABLE = 0.3  # qubits and couplings with larger reported errors are left out


@dataclass(frozen=True)
class PackedCircuit:
    """Copies of a circuit on a device."""

    circuit: QuantumCircuit
    """The packed circuit in the device's own gates."""
    names: tuple[str, ...]
    """The names of its parameters: the first copy's in order, then the second's, and so on."""
    regions: tuple[tuple[int, ...], ...]
    """The device's qubits of each copy."""
    registers: dict[str, int]
    """The classical registers of the single circuit, with their sizes."""
    num_parameters: int
    """Parameters of the single circuit."""

    @property
    def copies(self) -> int:
        """How many copies run side by side."""
        return len(self.regions)

    def pack(self, values: FloatArray) -> FloatArray:
        """Put parameter vectors side by side; what is left over in the last row repeats the first vector.

        Args:
            values: Shape (n, parameters).

        Returns:
            Shape (ceil(n / copies), copies · parameters).
        """
        missing = -len(values) % self.copies
        filled = np.concatenate([values, np.repeat(values[:1], missing, axis=0)])
        return filled.reshape(len(filled) // self.copies, self.copies * self.num_parameters)

    def unpack(self, data: DataBin, number: int) -> DataBin:
        """Take the copies' bits apart.

        Args:
            data: The packed circuit's data, of shape (rows,).
            number: How many results are wanted.

        Returns:
            Data as if the single circuit had run, of shape (number,).
        """
        fields = {}
        for name, size in self.registers.items():
            arrays = [data[f"copy{copy}_{name}"].array for copy in range(self.copies)]
            rows = arrays[0].shape[:1] if arrays[0].ndim == 3 else (1,)
            stacked = np.stack([array.reshape(*rows, *array.shape[-2:]) for array in arrays], axis=1)
            fields[name] = BitArray(stacked.reshape(-1, *stacked.shape[2:])[:number], size)
        return DataBin(**fields, shape=(number,))


def find_regions(
    device: Target, num_qubits: int, *, copies: int | None = None, buffer: int = 0
) -> list[tuple[int, ...]]:
    """Choose disjoint regions of connected qubits with small reported errors.

    Regions grow greedily: from every free qubit, the neighbour with the smallest error of its coupling and readout is
    added until the region is complete; the best of these regions is taken, and so on.

    Args:
        device: The device.
        num_qubits: The size of a region.
        copies: The largest number of regions; ``None`` takes as many as fit.
        buffer: How many qubits must lie between two regions.

    Returns:
        The regions, best first; each lists the device's qubits.
    """
    couplings = _coupling_errors(device)
    readout = _readout_errors(device)
    touching: dict[int, set[int]] = {}
    neighbours: dict[int, dict[int, float]] = {}
    for (a, b), error in couplings.items():
        touching.setdefault(a, set()).add(b)
        touching.setdefault(b, set()).add(a)
        if error <= _UNUSABLE:
            neighbours.setdefault(a, {})[b] = error
            neighbours.setdefault(b, {})[a] = error
    free = {qubit for qubit in range(device.num_qubits or 0) if readout.get(qubit, 0.0) <= _UNUSABLE}
    regions: list[tuple[int, ...]] = []
    while copies is None or len(regions) < copies:
        grown = [_grow(start, num_qubits, neighbours, readout, free) for start in sorted(free)]
        candidates = [region for region in grown if region is not None]
        if not candidates:
            break
        best = min(candidates, key=lambda region: region[0])
        regions.append(best[1])
        free -= _around(best[1], touching, buffer)
    return regions


def pack_circuit(
    circuit: QuantumCircuit,
    device: Target,
    regions: Sequence[Sequence[int]],
    *,
    optimization_level: int,
    seed: int | None,
) -> PackedCircuit:
    """Transpile a circuit for each region and put the copies side by side.

    Args:
        circuit: The circuit with its measurements.
        device: The device, with the gates that it may use.
        regions: The qubits of each copy.
        optimization_level: The transpiler's.
        seed: The transpiler's.
    """
    packed = QuantumCircuit(QuantumRegister(device.num_qubits, "q"))
    names: list[str] = []
    for copy, region in enumerate(regions):
        vector = ParameterVector(f"copy{copy}", circuit.num_parameters)
        single = phase_gates_as_rotations(with_definitions_of_mistakable(circuit, device))
        if circuit.num_parameters:
            single.assign_parameters(list(vector), inplace=True)
        names += [parameter.name for parameter in vector]
        part = region_target(device, region)
        manager = pass_manager_for(part, optimization_level, seed, num_qubits=circuit.num_qubits)
        isa = manager.run(single)
        isa.global_phase = 0
        clbits = []
        for register in circuit.cregs:
            added = ClassicalRegister(register.size, f"copy{copy}_{register.name}")
            packed.add_register(added)
            clbits += list(added)
        packed.compose(isa, qubits=list(region), clbits=clbits, inplace=True)
    registers = {register.name: register.size for register in circuit.cregs}
    return PackedCircuit(
        packed, tuple(names), tuple(tuple(region) for region in regions), registers, circuit.num_parameters
    )


def region_target(device: Target, region: Sequence[int]) -> Target:
    """Return a device's region as a target of its own, with its qubits numbered from 0."""
    place = {qubit: index for index, qubit in enumerate(region)}
    part = Target(num_qubits=len(region), dt=device.dt, granularity=device.granularity)
    for name in device.operation_names:
        properties: Any = device[name]
        if not properties or None in properties:
            continue
        inside: dict[tuple[int, ...], InstructionProperties | None] = {
            tuple(place[qubit] for qubit in qubits): value
            for qubits, value in properties.items()
            if qubits and all(qubit in place for qubit in qubits)
        }
        if inside:
            part.add_instruction(device.operation_from_name(name), inside, name=name)
    return part


def _grow(
    start: int, size: int, neighbours: dict[int, dict[int, float]], readout: dict[int, float], free: set[int]
) -> tuple[float, tuple[int, ...]] | None:
    """Grow a region from a qubit; return the sum of its log errors and its qubits."""
    region, score = [start], _log_error(readout.get(start, 0.0))
    while len(region) < size:
        steps = [
            (_log_error(error) + _log_error(readout.get(other, 0.0)), other)
            for qubit in region
            for other, error in neighbours.get(qubit, {}).items()
            if other in free and other not in region
        ]
        if not steps:
            return None
        cost, chosen = min(steps)
        region.append(chosen)
        score += cost
    return score, tuple(region)


def _around(region: Sequence[int], touching: dict[int, set[int]], buffer: int) -> set[int]:
    reached = set(region)
    for _ in range(buffer):
        reached |= {other for qubit in reached for other in touching.get(qubit, ())}
    return reached


def _log_error(error: float) -> float:
    return -math.log1p(-min(error, 1 - 1e-12))


def _coupling_errors(device: Target) -> dict[tuple[int, int], float]:
    """Return each coupling's smallest error over the gates of that pair, 0 where none is reported."""
    errors: dict[tuple[int, int], float] = {}
    for name in device.operation_names:
        properties: Any = device[name]
        for qubits, value in (properties or {}).items():
            if qubits is None or len(qubits) != 2:
                continue
            pair = (min(qubits), max(qubits))
            error = getattr(value, "error", None) or 0.0
            errors[pair] = min(error, errors.get(pair, math.inf))
    return errors


def _readout_errors(device: Target) -> dict[int, float]:
    if "measure" not in device.operation_names:
        return {}
    properties: Any = device["measure"]
    return {qubits[0]: getattr(value, "error", None) or 0.0 for qubits, value in (properties or {}).items() if qubits}
