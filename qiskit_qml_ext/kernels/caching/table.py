"""The entries of one kernel in memory: a square array over the samples that were seen, with holes."""

from dataclasses import dataclass, field

import numpy as np

from qiskit_qml_ext.arrays import BoolArray, FloatArray, IndexArray
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel

_BYTES = 4 * 8  # of an entry: value, error, shots, truncation


@dataclass
class EntryTable:
    """Values, errors, shots and truncations of pairs of samples; NaN where a value is not known.

    An exact entry has the error NaN and 0 shots; one of states that were not truncated has the truncation NaN.
    """

    places: dict[bytes, int] = field(default_factory=dict)
    """The samples that were seen, by their bytes."""
    values: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    """The entries, shape (room, room)."""
    errors: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    """Their standard errors."""
    shots: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    """The shots behind them."""
    truncations: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    """How far the truncation of states may have moved them."""
    target: str | None = None
    """The target that ran them; ``None`` while there are none."""
    applied: tuple[str, ...] = ()
    """The steps that were applied to what was measured."""

    @property
    def num_bytes(self) -> int:
        """How many bytes the arrays take."""
        return _BYTES * len(self.values) ** 2

    def indices(self, samples: FloatArray, *, max_bytes: int) -> IndexArray:
        """Return the places of samples, making room for new ones.

        Args:
            samples: Shape (n, features).
            max_bytes: How large the table may be. One that would become larger forgets all that it has first; what is
                needed for one asking may exceed this.
        """
        keys = sample_keys(samples)
        new = [key for key in dict.fromkeys(keys) if key not in self.places]
        if new and self.places and (len(self.places) + len(new)) ** 2 * _BYTES > max_bytes:
            self.places, new = {}, list(dict.fromkeys(keys))
            self.values = self.errors = self.shots = self.truncations = np.empty((0, 0))
        for key in new:
            self.places[key] = len(self.places)
        self._make_room(max_bytes)
        return np.array([self.places[key] for key in keys], dtype=np.intp)

    def missing(self, rows: IndexArray, columns: IndexArray) -> BoolArray:
        """Tell which entries are not known, shape (rows, columns)."""
        missing: BoolArray = np.isnan(self.values[np.ix_(rows, columns)])
        return missing

    def raw(self, rows: IndexArray, columns: IndexArray) -> RawKernel:
        """Return a matrix of entries that are all known."""
        block = np.ix_(rows, columns)
        values, errors, shots = self.values[block], self.errors[block], self.shots[block].astype(np.int64)
        truncations = self.truncations[block]
        sampled = shots[shots > 0]
        least = int(sampled.min()) if sampled.size else None
        differ = least is not None and bool((shots != least).any())
        return RawKernel(
            values,
            None if np.isnan(errors).all() else np.nan_to_num(errors),
            least,
            self.target or "",
            applied=self.applied,
            truncation_errors=None if np.isnan(truncations).all() else np.nan_to_num(truncations),
            entry_shots=shots if differ else None,
        )

    def put(
        self,
        rows: IndexArray,
        columns: IndexArray,
        values: FloatArray,
        errors: FloatArray,
        shots: FloatArray,
        truncations: FloatArray,
        *,
        is_symmetric: bool,
    ) -> None:
        """Write entries, flat arrays of one length; for a symmetric kernel both orders of each pair."""
        for first, second in ((rows, columns), (columns, rows)) if is_symmetric else ((rows, columns),):
            self.values[first, second] = values
            self.errors[first, second] = errors
            self.shots[first, second] = shots
            self.truncations[first, second] = truncations

    def _make_room(self, max_bytes: int) -> None:
        old, needed = len(self.values), len(self.places)
        if needed <= old:
            return
        size = max(needed, min(2 * old, int((max_bytes / _BYTES) ** 0.5)))
        for name, empty in (("values", np.nan), ("errors", np.nan), ("shots", 0.0), ("truncations", np.nan)):
            larger = np.full((size, size), empty)
            larger[:old, :old] = getattr(self, name)
            setattr(self, name, larger)


def sample_keys(samples: FloatArray) -> list[bytes]:
    """Return the bytes of each sample; adding 0.0 turns -0.0 into 0.0, which is the same angle."""
    return [row.tobytes() for row in np.ascontiguousarray(samples + 0.0, dtype="<f8")]
