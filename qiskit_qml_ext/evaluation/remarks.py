"""What a reader should know about the data and the control before looking at a result."""

import numpy as np

from qiskit_qml_ext.arrays import IndexArray
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.circuits.disentangle import has_entangling_gates
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.evaluation.formatting import plural


def notes_of_data(data: Dataset) -> tuple[str, ...]:
    """Return what the reading of the data has to say."""
    return tuple(getattr(data, "notes", ()))


def notes_of_rows(data: Dataset, rows: IndexArray) -> list[str]:
    """Say whether rows repeat one another, and whether their labels do not agree."""
    distinct = int(rows.max()) + 1
    if distinct == len(rows):
        return []
    copies = len(rows) - distinct
    highest, lowest = np.full(distinct, -np.inf), np.full(distinct, np.inf)
    np.maximum.at(highest, rows, data.y)
    np.minimum.at(lowest, rows, data.y)
    repeat = "repeats" if copies == 1 else "repeat"
    notes = [
        f"{copies:,} of the {plural(len(rows), 'row')} {repeat} another one in all features (up to a millionth of "
        f"their spread), {distinct:,} are different. Equal rows stay in the same fold, in the searches too: no model "
        "is tested on a row that it was trained on."
    ]
    if conflicts := int((highest > lowest).sum()):
        kind = "classes" if data.task == "classification" else "labels"
        one = conflicts == 1
        notes.append(
            f"{conflicts:,} of the different rows {'occurs' if one else 'occur'} with different {kind}: no model can "
            f"be right about every copy of {'it' if one else 'them'}."
        )
    return notes


# A largest class of this many times the smallest one makes accuracy and balanced accuracy different questions.
_UNEQUAL_CLASSES = 1.5


def notes_of_classes(data: Dataset, scoring: str) -> list[str]:
    """Point to balanced accuracy where accuracy favours the largest class."""
    if data.task != "classification" or scoring != "accuracy":
        return []
    counts = data.class_counts
    largest, smallest = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
    if counts[largest] < _UNEQUAL_CLASSES * counts[smallest]:
        return []
    most, least = (f"{counts[name] / data.num_samples:.0%}" for name in (largest, smallest))
    return [
        f"The classes are unequal: {most} of the samples are {largest!r}, {least} are {smallest!r}. Accuracy counts "
        "samples, so rare classes weigh little; the score balanced_accuracy (--scoring) gives every class the same "
        "weight."
    ]


def control_of(map_: FeatureMap, num_encoded: int) -> tuple[bool, FeatureMap | None, list[str]]:
    """Return whether a feature map entangles, its version without entanglement if there is one, and what to say.

    What counts are the gates of the circuits: a map whose control cannot be built is not without entanglement.
    """
    if not has_entangling_gates(map_.build(num_encoded)):
        return False, None, ["The feature map has no entangling gates, so it is its own control."]
    unknown = "What part entanglement has in a result is therefore unknown."
    try:
        control = map_.without_entanglement()
        still_entangles = has_entangling_gates(control.build(num_encoded))
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        return True, None, [f"There is no control. {reason.rstrip('.')}. {unknown}"]
    if still_entangles:
        reason = f"The version of {type(map_).__name__} without entanglement has entangling gates"
        return True, None, [f"There is no control. {reason}. {unknown}"]
    return True, control, []
