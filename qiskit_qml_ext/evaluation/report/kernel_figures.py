"""The pictures of the quantum kernel on the page, each with a title, a caption and a text to be read aloud."""

from qiskit_qml_ext.diagnostics import GeometricDifference
from qiskit_qml_ext.evaluation.outcomes.kernel_diagnosis import difference_of
from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report import figures
from qiskit_qml_ext.evaluation.report.html import Figure, svg


def kernel_figures(record: Record) -> list[Figure]:
    """Return all pictures of a kernel that was looked at."""
    health = record.health
    assert health is not None
    difference = None if record.diagnosis is None else difference_of(record.diagnosis)
    return [
        _matrix(record, health.num_samples),
        Figure(
            "Kernel entries",
            svg(lambda axes: figures.plot_entries(record, axes), "entries"),
            f"Histogram of the kernel entries off the diagonal, mean {health.mean}.",
            "All values at one place would mean that all pairs of samples look alike (concentration).",
        ),
        Figure(
            "Eigenvalues",
            svg(lambda axes: figures.plot_spectrum(record, axes), "spectrum"),
            f"Eigenvalue spectrum on a logarithmic axis; effective rank {health.effective_rank}.",
            "A steep fall: few directions matter, a simple model. A flat line: every sample is on its own.",
        ),
        *([] if difference is None else [_difference(difference)]),
    ]


def _matrix(record: Record, size: int) -> Figure:
    by_class = bool(record.dataset.class_names)
    kind = "class" if by_class else "label"
    contrast = (
        "Bright blocks on the diagonal mean that samples of one class look alike."
        if by_class
        else "A bright band along the diagonal means that samples with similar labels look alike."
    )
    return Figure(
        "Kernel matrix",
        svg(lambda axes: figures.plot_kernel(record, axes), "kernel"),
        f"Heat map of the {size} by {size} kernel matrix, sorted by {kind}.",
        f"How similar two training samples look to the quantum kernel, sorted by {kind}. {contrast}"
        " The colours start at the smallest entry.",
    )


def _difference(difference: GeometricDifference) -> Figure:
    return Figure(
        "Classical kernels beside it",
        svg(difference.plot, "difference"),
        f"Bar chart of the geometric difference of {len(difference.comparisons)} classical kernels from the "
        f"quantum kernel, the smallest {difference.closest.total:.3g} for {difference.closest.name}.",
        "The geometric difference g: labels are at most g² times as complex for that classical "
        "kernel as for the quantum kernel. Whether these labels are is another question; which model predicts "
        "them better, the scores answer.",
    )
