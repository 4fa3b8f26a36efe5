"""How a connection uses a journal: work is known by the circuit that the user built, not by how it was transpiled.

A transpiler without a seed, or one that sees new error rates, makes another ISA circuit of the same circuit. Were that
circuit the content of the work, a program run again after a calibration would pay for everything twice.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.primitives.content import circuit_key, layout_key
from qiskit_qml_ext.primitives.journal import Journal, JournaledEstimator, JournaledSampler, Policy, Repetitions
from qiskit_qml_ext.primitives.journal.work.identity import made_for
from qiskit_qml_ext.primitives.journal.work.requests import Approve
from qiskit_qml_ext.primitives.targets import Target


class Journaling:
    """Makes journaled primitives for a connection's target.

    Args:
        journal: The journal or the path of its file.
        target: The connection's target.
        seed: The connection's seed.
        max_executions: The largest number of circuits times shots in one job.
        policy: Other limits and waiting times.
        approve: Asked before anything is submitted.
    """

    def __init__(
        self,
        journal: Journal | str | os.PathLike[str],
        target: Target,
        *,
        seed: int | None,
        max_executions: int,
        policy: Policy | None,
        approve: Approve,
    ):
        self.journal = journal if isinstance(journal, Journal) else Journal(journal)
        self.policy = replace(policy or Policy(), max_executions=max_executions)
        self._approve = approve
        self._target = target
        self._seed = seed
        self._start_empty()

    def _start_empty(self) -> None:
        self._repetitions = Repetitions()
        # by content and layout: equal ISA circuits may be made of different circuits on different qubits
        self._made_from: dict[tuple[str, str], str] = {}
        self._qubits: dict[tuple[str, str], Sequence[int]] = {}

    def made_from(self, circuit: str, settings: Mapping[str, int | None]) -> str:
        """Return the content of work whose circuit this connection transpiles.

        Args:
            circuit: The content key of the circuit that the user built.
            settings: All that decides which circuit runs in the end: the transpiler's settings, copies side by side.
        """
        words = [f"{name}={value}" for name, value in sorted(settings.items())]
        return "/".join([circuit, *words, made_for(getattr(self._target, "backend", None))])

    def remember(self, isa: QuantumCircuit, isa_key: str, made_from: str, *, placed_by_user: bool = False) -> None:
        """Note from what an ISA circuit was made, and where its qubits lie.

        Args:
            isa: The ISA circuit.
            isa_key: Its content key.
            made_from: What it was made from.
            placed_by_user: The user made it, so that it is itself the content of the work, on the device's own qubits.
        """
        if placed_by_user:
            return  # no setting of the transpiler changed it
        place = isa_key, layout_key(isa)
        self._made_from[place] = made_from
        if isa.layout is not None:
            self._qubits[place] = isa.layout.final_index_layout(filter_ancillas=True)

    def sampler(self, shots: int) -> JournaledSampler:
        """Return a journaled sampler with these default shots."""
        return JournaledSampler(
            self._without_mode.sampler(shots, None),
            self.journal,
            policy=self.policy,
            seed=self._seed,
            make=lambda seed: self._target.sampler(shots, seed),
            open_mode=getattr(self._target, "open_mode", None),
            identify=self._identify,
            repetitions=self._repetitions,
            approve=self._approve,
        )

    def known(self, pubs: Sequence[SamplerPub]) -> list[int]:
        """Count the circuits of each PUB that the journal knows, as if they were asked for first."""
        if not pubs:
            return []
        return self.sampler(pubs[0].shots).known(pubs)

    def estimator(self, shots: int | None) -> JournaledEstimator:
        """Return a journaled estimator whose precision corresponds to ``shots``."""
        return JournaledEstimator(
            self._without_mode.estimator(shots, None),
            self.journal,
            policy=self.policy,
            seed=self._seed,
            make=lambda seed: self._target.estimator(shots, seed),
            open_mode=getattr(self._target, "open_mode", None),
            identify=self._identify,
            place=self._place,
            repetitions=self._repetitions,
            approve=self._approve,
        )

    @property
    def _without_mode(self) -> Target:
        """The target in job mode: a primitive that only describes the work must not open a session."""
        make = getattr(self._target, "without_mode", None)
        return self._target if make is None else make()

    def _identify(self, circuit: QuantumCircuit) -> str:
        key = circuit_key(circuit)
        return self._made_from.get((key, layout_key(circuit)), key)

    def _place(self, circuit: QuantumCircuit) -> Sequence[int] | None:
        return self._qubits.get((circuit_key(circuit), layout_key(circuit)))

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_repetitions", "_made_from", "_qubits")
        return {name: value for name, value in self.__dict__.items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start_empty()
