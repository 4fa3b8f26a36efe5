"""Which samples are used: all of them, or so many as the target can run."""

from dataclasses import dataclass

from qiskit_qml_ext.arrays import IndexArray
from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.evaluation.planning.request import Request
from qiskit_qml_ext.evaluation.protocol.folds import equal_rows
from qiskit_qml_ext.primitives import Connection

MAX_SAMPLES_EXACT = 1000
MAX_SAMPLES_SAMPLED = 100
MAX_SAMPLES_FAKE = 30  # noisy simulation takes some tenths of a second for each circuit


@dataclass(frozen=True, eq=False)
class Samples:
    """The samples that are used."""

    data: Dataset
    """The data, after choosing samples."""
    rows: IndexArray
    """The number of each sample's row among the different ones, shape (num_samples,)."""
    limit: int | None
    """The limit that applied; None if there was none."""
    notes: tuple[str, ...] = ()
    """What to tell the user about samples that are left out."""

    @property
    def num_distinct(self) -> int:
        """How many different rows the data have."""
        return int(self.rows.max()) + 1


def choose_samples(request: Request) -> Samples:
    """Choose samples, so many as the limit allows; a rare class keeps one for each fold.

    Raises:
        ValueError: If the limit that was asked for leaves too few.
    """
    given = request.data
    limit, why = _limit(request.max_samples, request.connection)
    if given.num_samples <= limit:
        return Samples(given, equal_rows(given.X), None)
    data = given.subsample(limit, seed=request.seed, min_per_class=request.num_folds)
    if request.max_samples is not None and data.num_samples > limit:
        raise ValueError(
            f"max_samples is {limit}, but {request.num_folds} folds of {len(data.class_names)} classes need at least "
            f"{data.num_samples} samples. Allow more samples or fewer folds."
        )
    how = "with the classes in proportion" if data.task == "classification" else "at random"
    note = f"Uses {data.num_samples:,} of {given.num_samples:,} samples, chosen {how} ({why})."
    return Samples(data, equal_rows(data.X), limit, (note,))


def _limit(max_samples: int | None, connection: Connection) -> tuple[int, str]:
    """Return the limit on samples, and why it is that."""
    if max_samples is not None:
        return whole_number("max_samples", max_samples, minimum=4), "as asked"
    if connection.is_exact:
        return MAX_SAMPLES_EXACT, "the default limit; --max-samples changes it"
    if connection.is_fake:
        return MAX_SAMPLES_FAKE, "the default limit on a simulated device; --max-samples changes it"
    return MAX_SAMPLES_SAMPLED, "the default limit on a sampled target; --max-samples changes it"
