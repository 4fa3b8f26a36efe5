"""Kernels of ours with the constructors of qiskit-machine-learning's, for their tests.

What their tests read of a kernel's arguments (``fidelity``, ``evaluate_duplicates``, ``_training_parameters``) stands
here; everything that is computed is ours.
"""

from typing import Any

from qiskit_machine_learning import QiskitMachineLearningError
from qiskit_machine_learning.primitives import QMLSampler

from qiskit_qml_ext.kernels import FidelityKernel


class FidelityQuantumKernel(FidelityKernel):
    """``FidelityKernel`` with the arguments of theirs."""

    def __init__(
        self,
        *,
        feature_map: Any = None,
        fidelity: Any = None,
        enforce_psd: bool = True,
        evaluate_duplicates: str = "off_diagonal",
        max_circuits_per_job: int | None = None,
        training_parameters: Any = None,
    ):
        if feature_map is None:
            raise QiskitMachineLearningError("no feature map")
        if evaluate_duplicates not in ("all", "off_diagonal", "none"):
            raise ValueError("Unsupported value passed as evaluate_duplicates")
        if max_circuits_per_job is not None and max_circuits_per_job < 1:
            raise ValueError("Unsupported value passed as max_circuits_per_job")
        sampler = getattr(fidelity, "_sampler", None)
        super().__init__(
            feature_map,
            sampler=None if isinstance(sampler, QMLSampler) and sampler._exact_mode else sampler,
            run_diagonal=evaluate_duplicates == "all",
            psd_repair="clip" if enforce_psd else None,
            training_parameters=() if training_parameters is None else list(training_parameters),
        )
        self.fidelity = fidelity
        self.evaluate_duplicates = evaluate_duplicates
        self._training_parameters = training_parameters

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return FidelityKernel._get_param_names()


class FidelityStatevectorKernel(FidelityQuantumKernel):
    """The same with the arguments of the kernel of state vectors."""

    def __init__(
        self,
        *,
        feature_map: Any = None,
        statevector_type: Any = None,
        cache_size: int | None = None,
        auto_clear_cache: bool = True,
        shots: int | None = None,
        enforce_psd: bool = True,
        training_parameters: Any = None,
    ):
        super().__init__(feature_map=feature_map, enforce_psd=enforce_psd, training_parameters=training_parameters)
        if shots is not None:
            from qiskit_qml_ext.primitives import connect

            self.connection = connect("exact", shots=shots, seed=0)


class TrainableFidelityQuantumKernel(FidelityQuantumKernel):
    """The trainable one, which ours always is."""


class TrainableFidelityStatevectorKernel(FidelityStatevectorKernel):
    """The trainable one, which ours always is."""


REPLACED = {
    one.__name__: one
    for one in (
        FidelityQuantumKernel,
        FidelityStatevectorKernel,
        TrainableFidelityQuantumKernel,
        TrainableFidelityStatevectorKernel,
    )
}
"""By the names that theirs have."""
