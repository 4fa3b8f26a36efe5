"""How a connection uses a journal: work is known by the circuit that the user built, not by how it was transpiled.

A transpiler without a seed, or one that sees new error rates, makes another ISA circuit of the same circuit. Were that
circuit the content of the work, a program run again after a calibration would pay for everything twice.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.content import circuit_key, layout_key
from qiskit_qml_ext.primitives.journal import Journal, JournaledEstimator, JournaledSampler, Policy, Repetitions
from qiskit_qml_ext.primitives.journal.work.identity import made_for
from qiskit_qml_ext.primitives.journal.work.inputs import Provenance, Source
from qiskit_qml_ext.primitives.journal.work.requests import Approve
from qiskit_qml_ext.primitives.targets import Target


class Journaling:
    """Makes journaled primitives for a connection's target.

    Args:
        journal: The journal or the path of its file.
        target: The connection's target.
        settings: How the connection uses it.
        policy: Other limits and waiting times.
        approve: Asked before anything is submitted.
    """

    def __init__(
        self,
        journal: Journal | str | os.PathLike[str],
        target: Target,
        settings: ConnectionSettings,
        policy: Policy | None,
        approve: Approve,
    ):
        self.journal = journal if isinstance(journal, Journal) else Journal(journal)
        self.policy = replace(policy or Policy(), max_executions=settings.max_executions_per_job)
        self._approve = approve
        self._target = target
        self._settings = settings
        self._seed = settings.seed
        self._start_empty()

    def _start_empty(self) -> None:
        self._repetitions = Repetitions()
        # by content and layout: equal ISA circuits may be made of different circuits on different qubits
        self._made_from: dict[tuple[str, str], str] = {}
        self._qubits: dict[tuple[str, str], Sequence[int]] = {}
        self._sources: dict[tuple[str, str], Source] = {}

    def as_new_program(self) -> "Journaling":
        """Return the same, with a count of repetitions of its own."""
        other = object.__new__(Journaling)
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
        self._sources[place] = source
        if isa.layout is not None:
            self._qubits[place] = isa.layout.final_index_layout(filter_ancillas=True)

    def remember_in_place(self, isa: QuantumCircuit, source: QuantumCircuit) -> None:
        """Note from what an ISA circuit was made whose qubits stay where the user put them."""
        self._sources.setdefault((circuit_key(isa), layout_key(isa)), Source.itself(source))

    def sampler(self, shots: int) -> JournaledSampler:
        """Return a journaled sampler with these default shots."""
        return JournaledSampler(
            self._target.without_mode().sampler(shots, None),
            self.journal,
            make=lambda seed: self._target.sampler(shots, seed),
            **self._common,
        )

    def estimator(self, shots: int | None) -> JournaledEstimator:
        """Return a journaled estimator whose precision corresponds to ``shots``."""
        return JournaledEstimator(
            self._target.without_mode().estimator(shots, None),
            self.journal,
            make=lambda seed: self._target.estimator(shots, seed),
            place=self._place,
            **self._common,
        )

    @property
    def _common(self) -> dict[str, Any]:
        """What both kinds of primitives are given."""
        return {
            "policy": self.policy,
            "seed": self._seed,
            "open_mode": self._target.open_mode,
            "identify": self._identify,
            "repetitions": self._repetitions,
            "approve": self._approve,
            "provenance": Provenance(
                self._source,
                lambda: self._target.device,
                {"connection": asdict(self._settings), "target": self._target.about()},
            ),
        }

    def known(self, pubs: Sequence[SamplerPub]) -> list[int]:
        """Count the circuits of each PUB that the journal knows, as if they were asked for first."""
        if not pubs:
            return []
        return self.sampler(pubs[0].shots).known(pubs)

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
