"""What an estimator runs for what it is asked: circuits for strings that are measured together, and for mitigation."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import PauliList

from qiskit_qml_ext.primitives.pricing.twirled_shots import randomizations

_USUAL_LEVEL = 1  # of an estimator that was told nothing, by the client's documentation
_NUM_NOISE_FACTORS = 3  # 1, 3 and 5 by the client's documentation, where none are given
_LARGEST_OVERHEAD = 100.0  # of PEC, by the client's documentation, where none is given
_PEC_SHOTS = 64  # of each of PEC's randomisations, where neither number is given
_AS_PAULI = str.maketrans("01+-rl", "ZZXXYY")


@dataclass(frozen=True)
class EstimatorWork:
    """How much an estimator runs: circuits, their shots, and circuits that only calibrate."""

    measures: bool = True
    """Whether it measures; otherwise it computes values, one for each that is asked for, and adds noise."""
    mitigates: bool = False
    """Whether it is one of IBM's, which mitigates by its options or, told nothing, by its usual level."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What was set for it, as nested dictionaries."""

    def circuits(self, pub: EstimatorPub) -> int:
        """Return how many circuits a PUB takes, all of them with :meth:`shots`."""
        return num_circuits(pub) if self.measures else pub.size

    def shots(self, shots: int) -> int:
        """Return how many shots a circuit gets where so many are asked for; with PEC the most that it may get."""
        if not self.mitigates or not shots:
            return shots
        run = math.prod(self._randomizations(shots))
        if self._cancels_errors:
            overhead = self._resilience.get("pec", {}).get("max_overhead") or _LARGEST_OVERHEAD
            return math.ceil(run * max(1.0, overhead))
        return run * self._num_noise_factors

    def calibration(self, shots: int) -> int:
        """Return how many executions a job takes besides, which say what its readout does."""
        if not (self.mitigates and shots and self._mitigates_readout):
            return 0
        number, each = self._randomizations(shots)
        learning = self._resilience.get("measure_noise_learning", {}).get("num_randomizations", "auto")
        return each * (number if learning == "auto" else int(learning))

    def executions(self, pub: EstimatorPub, shots: int) -> int:
        """Return what a PUB takes without calibration: circuits times shots."""
        return self.circuits(pub) * self.shots(shots)

    @property
    def _level(self) -> int:
        return int(self.options.get("resilience_level", _USUAL_LEVEL))

    @property
    def _resilience(self) -> Mapping[str, Any]:
        given: Mapping[str, Any] = self.options.get("resilience", {})
        return given

    @property
    def _mitigates_readout(self) -> bool:
        return self._is_on(self._resilience.get("measure_mitigation"), (1, 2))

    @property
    def _amplifies_noise(self) -> bool:
        return self._is_on(self._resilience.get("zne_mitigation"), (2,))

    @property
    def _cancels_errors(self) -> bool:
        return bool(self._resilience.get("pec_mitigation"))

    @property
    def _num_noise_factors(self) -> int:
        factors = self._resilience.get("zne", {}).get("noise_factors", "auto")
        usual = factors is None or isinstance(factors, str)
        return 1 if not self._amplifies_noise else _NUM_NOISE_FACTORS if usual else len(factors)

    def _is_on(self, given: bool | None, levels: Sequence[int]) -> bool:
        """Tell whether something is on: as it was set, or by the level."""
        return self._level in levels if given is None else bool(given)

    def _randomizations(self, shots: int) -> tuple[int, int]:
        """Return how many randomisations of a circuit run, and the shots of each; mitigation may ask for twirling."""
        twirling: Mapping[str, Any] = self.options.get("twirling", {})
        learns = self._amplifies_noise and self._resilience.get("zne", {}).get("amplifier") == "pea"
        is_twirled = (
            self._mitigates_readout
            or self._cancels_errors
            or learns
            or self._is_on(twirling.get("enable_gates"), (2,))
            or self._is_on(twirling.get("enable_measure"), (1, 2))
        )
        fewest = _PEC_SHOTS if self._cancels_errors else None
        return randomizations(twirling, shots, fewest=fewest) if is_twirled else (1, shots)


def num_circuits(pub: EstimatorPub) -> int:
    """Return how many circuits measure a PUB: of each set of values one for strings that commute qubit by qubit.

    So Qiskit's ``BackendEstimatorV2`` and the newer estimator of the Runtime client measure; the older one leaves it to
    the service, whose documentation says the same.
    """
    sets = np.arange(math.prod(pub.parameter_values.shape)).reshape(pub.parameter_values.shape)
    observables = np.asarray(pub.observables.tolist(), dtype=object)
    strings = [frozenset(terms) for terms in observables.ravel()]
    sets, numbers = np.broadcast_arrays(sets, np.arange(len(strings)).reshape(observables.shape))
    pairs = np.unique(np.stack([sets.ravel(), numbers.ravel()], axis=1), axis=0)
    begins = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
    asked = Counter(tuple(part[:, 1].tolist()) for part in np.split(pairs, begins[1:]))
    return sum(
        number * _num_groups(frozenset().union(*(strings[place] for place in places)))
        for places, number in asked.items()
    )


@lru_cache(maxsize=1024)
def _num_groups(strings: frozenset[str]) -> int:
    """Return how many circuits measure strings; the number hangs a little on their order, which is the alphabet's."""
    paulis = sorted({string.translate(_AS_PAULI) for string in strings})
    return len(PauliList(paulis).group_commuting(qubit_wise=True)) if len(paulis) > 1 else 1
