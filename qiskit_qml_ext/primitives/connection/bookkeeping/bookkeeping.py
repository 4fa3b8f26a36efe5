"""What a connection knows of the work that it asks for: what each circuit was made of, and how often it was asked for.

Work is known by the circuit that the user built, not by how it was transpiled. A transpiler without a seed, or one that
sees new error rates, makes another ISA circuit of the same circuit. Were that circuit the content of the work, a
program run again after a calibration would pay for everything twice, and a replay would find nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub
from typing_extensions import Self

from qiskit_qml_ext.primitives.content import circuit_key, layout_key
from qiskit_qml_ext.primitives.journal import JournaledEstimator, JournaledSampler, Repetitions
from qiskit_qml_ext.primitives.journal.work.identity import made_for
from qiskit_qml_ext.primitives.journal.work.inputs import Source
from qiskit_qml_ext.primitives.pricing import JobTime, Spent
from qiskit_qml_ext.primitives.replay import ReplayEstimator, ReplaySampler
from qiskit_qml_ext.primitives.targets import Target


class Bookkeeping(ABC):
    """Makes primitives that know what was run before: from a journal, or from a data set.

    Args:
        target: The connection's target.
    """

    def __init__(self, target: Target):
        self._target = target
        self._start_empty()

    @abstractmethod
    def sampler(self, shots: int) -> JournaledSampler | ReplaySampler:
        """Return a sampler with these default shots."""

    @abstractmethod
    def estimator(self, shots: int | None) -> JournaledEstimator | ReplayEstimator:
        """Return an estimator whose precision corresponds to ``shots``."""

    @abstractmethod
    def known(self, pubs: Sequence[SamplerPub]) -> list[int]:
        """Count the circuits of each PUB that are known, as if they were asked for first."""

    @abstractmethod
    def job_time(self, shots: int | None) -> JobTime:
        """Return what the jobs of samplers take, by what is known of those before."""

    @abstractmethod
    def room(self, seconds: float | None) -> list[str]:
        """Say what limits on processor time leave for jobs that are predicted to take so many seconds."""

    @abstractmethod
    def spent(self) -> Spent:
        """Return what all jobs took of a processor's time, and what is reserved for those under way."""

    def _start_empty(self) -> None:
        self._repetitions = Repetitions()
        # by content and layout: equal ISA circuits may be made of different circuits on different qubits
        self._made_from: dict[tuple[str, str], str] = {}
        self._qubits: dict[tuple[str, str], Sequence[int]] = {}
        self._sources: dict[tuple[str, str], Source] = {}

    def as_new_program(self) -> Self:
        """Return the same, with a count of repetitions of its own."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _repetitions=Repetitions())
        return other

    def made_from(self, circuit: str, settings: Mapping[str, int | None]) -> str:
        """Return the content of work whose circuit this connection transpiles.

        Args:
            circuit: The content key of the circuit that the user built.
            settings: All that decides which circuit runs in the end: the transpiler's settings, copies side by side.
        """
        words = [f"{name}={value}" for name, value in sorted(settings.items())]
        return "/".join([circuit, *words, made_for(self._target.backend)])

    def made_before(self, source: Source) -> QuantumCircuit | None:
        """Return the circuit in the target's own gates that is to run for another one, if that is known already."""
        return None

    def remember(
        self, isa: QuantumCircuit, isa_key: str, made_from: str, *, source: Source, placed_by_user: bool = False
    ) -> None:
        """Note from what an ISA circuit was made, and where its qubits lie.

        Args:
            isa: The ISA circuit.
            isa_key: Its content key.
            made_from: What it was made from, as its content.
            source: What it was made from, as it is.
            placed_by_user: The user made it, so that it is itself the content of the work, on the device's own qubits.
        """
        if placed_by_user:
            return  # no setting of the transpiler changed it
        place = isa_key, layout_key(isa)
        self._made_from[place] = made_from
        self._sources[place] = source.of(isa)
        if isa.layout is not None:
            self._qubits[place] = isa.layout.final_index_layout(filter_ancillas=True)

    def remember_in_place(self, isa: QuantumCircuit, source: QuantumCircuit) -> None:
        """Note from what an ISA circuit was made whose qubits stay where the user put them."""
        self._sources.setdefault((circuit_key(isa), layout_key(isa)), Source.itself(source).of(isa))

    def _identify(self, circuit: QuantumCircuit) -> str:
        key = circuit_key(circuit)
        return self._made_from.get((key, layout_key(circuit)), key)

    def _source(self, circuit: QuantumCircuit) -> Source:
        return self._sources.get((circuit_key(circuit), layout_key(circuit))) or Source.itself(circuit)

    def _place(self, circuit: QuantumCircuit) -> Sequence[int] | None:
        return self._qubits.get((circuit_key(circuit), layout_key(circuit)))

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_repetitions", "_made_from", "_qubits", "_sources")
        return {name: value for name, value in self.__dict__.items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start_empty()
