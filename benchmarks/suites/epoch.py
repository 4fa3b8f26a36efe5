"""One epoch of a three-class classifier of digits, from data to trained weights."""

from benchmarks.contenders import rivals_in
from benchmarks.rows import Row, Target

CLAIM = (
    "One epoch of a classifier (digits by their remainder modulo 3, principal components as angles, 1,000 samples, "
    "3 re-uploading layers on 8 qubits, three scores, cross-entropy, Adam, batches of 64), ours by `fit` from the "
    "beginning: 10 times faster than the best rival, with what it compiles counted and without. All end at the same "
    "weights."
)

# Adam divides by the size of the gradient: what single precision and TensorFlow Quantum's rounding change in small
# derivatives moves a weight by some hundredths of the way of an epoch.
_TOLERANCES = {"double": 1e-6, "single": 2e-2}
_WAYS = (("double", False, ""), ("single", False, ", rival in single precision"), ("double", True, ", compiled anew"))


def rows(tiny: bool) -> list[Row]:
    """Rows for each precision, for compilation, and for memory."""
    num_qubits, layers, samples = (3, 1, 8) if tiny else (8, 3, 1000)
    title = f"{num_qubits} qubits, {layers} layers, {samples} samples"
    size = {"num_qubits": num_qubits, "layers": layers, "samples": samples}
    timed = [
        Row(
            suite="epoch",
            title=title + addition,
            case=case,
            rivals=rivals_in("epoch", case),
            target=Target(minimum_ratio=10.0),
            tolerance=_TOLERANCES[precision],
        )
        for precision, anew, addition in _WAYS
        for case in [{"kind": "epoch", "precision": precision, "anew": anew, **size}]
    ]
    memory = {"kind": "epoch_memory", "precision": "double", "anew": False, **size}
    return [
        *timed,
        Row(
            suite="epoch",
            title=f"{title}, memory at its peak",
            case=memory,
            rivals=rivals_in("epoch", memory),
            check="none",
            measure="bytes",
        ),
    ]
