"""The variances of derivatives, drawn where their gates stand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.diagnostics.results.axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_gradient_map(
    circuit: QuantumCircuit, parameters: Sequence[str], variances: Sequence[float], ax: "Axes | None" = None
) -> "Axes":
    """Draw the variance of each derivative as a square at the gate of its parameter: qubits down, time to the right.

    Args:
        circuit: The circuit.
        parameters: The names of the parameters.
        variances: The variance of the derivative by each of them.
        ax: Axes to draw on; by default new ones.
    """
    from matplotlib.colors import LogNorm

    axes = new_axes(ax)
    places = _gate_places(circuit, parameters)
    values = np.array(variances)
    top = float(values.max(initial=0.0))
    if not places or top <= 0:
        axes.text(0.5, 0.5, "no derivative differs from 0", ha="center", va="center", transform=axes.transAxes)
        return axes
    columns = max(column for column, _, _ in places) + 1
    grid = np.full((circuit.num_qubits, columns), np.nan)
    for column, qubits, parameter in places:
        for qubit in qubits:
            grid[qubit, column] = values[parameter] if values[parameter] > 0 else np.nan
    low = float(np.nanmin(grid))
    image = axes.imshow(
        grid, aspect="auto", cmap="cividis", norm=LogNorm(low if low < top else top / 2, top), interpolation="nearest"
    )
    axes.set_facecolor("#D9D9D9")  # no gate, or a derivative that is 0
    axes.figure.colorbar(image, ax=axes, label="variance of the derivative")
    axes.set(xlabel="place in the circuit", ylabel="qubit")
    axes.set_yticks(range(circuit.num_qubits) if circuit.num_qubits <= 16 else range(0, circuit.num_qubits, 4))
    return axes


def _gate_places(circuit: QuantumCircuit, parameters: Sequence[str]) -> list[tuple[int, list[int], int]]:
    """Column, qubits and parameter of each parametrised gate, packed to the left as circuits are drawn."""
    number = {name: place for place, name in enumerate(parameters)}
    free = [0] * circuit.num_qubits
    places = []
    for instruction in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        names = [p.name for value in instruction.operation.params for p in getattr(value, "parameters", ())]
        known = [number[name] for name in names if name in number]
        if known:
            column = max(free[qubit] for qubit in qubits)
            places.append((column, qubits, known[0]))
            for qubit in qubits:
                free[qubit] = column + 1
        elif len(qubits) > 1:
            column = max(free[qubit] for qubit in qubits)
            for qubit in qubits:
                free[qubit] = column
    return places
