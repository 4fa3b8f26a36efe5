"""Bandwidths that are still to be taken of the first samples that come: with these, entries depend on other samples."""

from qiskit_qml_ext.kernels.caching.learned_state import parts_of
from qiskit_qml_ext.kernels.reduced_states.projection_kernel import ProjectionKernel


def refuse_open_median(kernel: object, num_features: int) -> None:
    """Refuse a kernel that would take the median of whatever samples it is shown first, here or in one of its parts.

    Args:
        kernel: The kernel.
        num_features: The number of features of its samples.

    Raises:
        ValueError: If there is such a kernel, before anything is run.
    """
    for part in parts_of(kernel):
        if isinstance(part, ProjectionKernel) and part._needs_median() and not _is_known(part, num_features):
            raise ValueError(
                f"gamma='median' of {type(part).__name__} is not known yet: it would be taken of the samples that come "
                "first, so that entries would depend on other samples than their own. Call fit(X) of that kernel with "
                "the training data, or give a number; a clone, as models and searches make them, forgets what fit "
                "found, so for these give the number: gamma=kernel.fit(X).gamma_."
            )


def _is_known(kernel: ProjectionKernel, num_features: int) -> bool:
    held = kernel._bandwidth
    return held is not None and (held.samples is None or held.made_with == kernel.made_with(num_features))
