"""What is asked about an ansatz, a circuit or a network, and the circuits that all stages share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, SparsePauliOp
from sklearn.base import clone

from qiskit_qml_ext.circuits import Ansatz, InitialDistribution
from qiskit_qml_ext.diagnostics.moments.walkable import why_no_second_moments
from qiskit_qml_ext.diagnostics.results.result import counted
from qiskit_qml_ext.diagnostics.subject.built_once import existing_widths
from qiskit_qml_ext.diagnostics.subject.network import Network
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import Noise
from qiskit_qml_ext.diagnostics.subject.problem import (
    ObservableFamily,
    Parameters,
    build_circuit,
    build_observable,
    is_family,
    pose,
)
from qiskit_qml_ext.diagnostics.trainability.scaling_study import Depth, seeds_of_widths
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.engine.pauli.propagation import PauliPropagation
from qiskit_qml_ext.exceptions import QmlExtError
from qiskit_qml_ext.primitives import Connection

FIRST_LOOK_QUBITS = 12
"""Hundreds of states of more qubits, at several angles, take too long for a first look."""

FEW_STRINGS = 20_000
"""Pauli strings that hundreds of samples pass through in seconds."""

_WIDE = (16, 23, 32, 45, 64)  # widths beyond states; of both parities, since some circuits treat them differently
_TYPICAL = 4  # qubits from which on a circuit shows what it is made of


@dataclass(frozen=True, eq=False)
class CircuitRequest:
    """What is asked about a circuit."""

    name: str
    """What the report calls it."""
    subject: Ansatz | QuantumCircuit
    """The template (one that builds each circuit once) or the circuit."""
    observable: ObservableFamily
    """What is measured."""
    width: int
    """The number of qubits."""
    num_samples: int
    """Random points for each estimate."""
    seed: int | None
    """Seed of everything random."""
    depths: Depth = None
    """The layers of a template, or a function of the number of qubits."""
    network: Network | None = None
    """The network whose circuit it is."""
    noise: "Noise | None" = None
    """Noise whose effect is simulated."""
    connection: Connection | None = None
    """A backend whose price is wanted."""
    price_per_minute: float | None = None
    """The price of a minute of its processor time."""

    @property
    def title(self) -> str:
        """What the report is called."""
        number = counted(self.circuit.num_parameters, "parameter")
        if self.network is not None:
            number = counted(len(self.network.weights), "weight")
        return f"Is it trainable? {self.name} on {counted(self.width, 'qubit')} with {number}"

    @cached_property
    def here(self) -> Ansatz | QuantumCircuit:
        """The template with the number of layers that belongs to the width, or the circuit."""
        return self._at_depth(self.width)

    @cached_property
    def circuit(self) -> QuantumCircuit:
        """The circuit of that width."""
        return build_circuit(self.here, self.width)

    @cached_property
    def measured(self) -> Observable:
        """The observable of that width."""
        return build_observable(self.observable, self.width)

    @property
    def distribution(self) -> InitialDistribution | None:
        """The distribution of the angles; None for the natural one."""
        return None if self.network is None else self.network.distribution

    @property
    def parameters(self) -> Parameters:
        """The parameters that are trained."""
        return "all" if self.network is None else self.network.weights

    @cached_property
    def possible_noise(self) -> "Noise | None":
        """The noise if it can be simulated for this observable."""
        return self.noise if isinstance(self.measured, (Pauli, SparsePauliOp)) else None

    @cached_property
    def widths(self) -> list[int]:
        """The widths of the scaling study; none for what has one width only."""
        if not isinstance(self.subject, Ansatz) or not is_family(self.observable):
            return []
        first, last = max(2, self.subject.min_qubits), max(min(self.width, 10), 8)
        narrow = existing_widths(self.subject, range(first, last + 1))
        return [*narrow, *existing_widths(self.subject, self._wide(narrow))]

    @cached_property
    def here_seed(self) -> int | None:
        """The seed of the points at the width: those of the scaling study, so that every stage has the same numbers."""
        if self.width not in self.widths:
            return self.seed
        return seeds_of_widths(self.seed, self.widths)[self.widths.index(self.width)]

    def _at_depth(self, width: int) -> Ansatz | QuantumCircuit:
        if self.depths is None or not isinstance(self.subject, Ansatz):
            return self.subject
        return clone(self.subject).set_params(reps=self.depths(width) if callable(self.depths) else self.depths)

    def _wide(self, narrow: Sequence[int]) -> list[int]:
        """Widths beyond states, if walks or few Pauli strings take the circuit and its depth does not grow."""
        some = next((width for width in narrow if width >= _TYPICAL), None)
        if callable(self.depths) or some is None:
            return []
        if why_no_second_moments(self.subject, self.observable, num_qubits=some) is None:
            return [*_WIDE]
        return [width for width in _WIDE if self._propagates(width)]

    def _propagates(self, width: int) -> bool:
        """Whether the observable stays within few Pauli strings; only following them tells."""
        try:
            problem = pose(self._at_depth(width), self.observable, num_qubits=width)
            PauliPropagation(problem.circuit, problem.observable, max_strings=FEW_STRINGS)
        except (QmlExtError, TypeError, ValueError):
            return False
        return True
