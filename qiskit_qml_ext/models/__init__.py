"""Models that follow scikit-learn's conventions, and circuits as layers of neural networks."""

from typing import TYPE_CHECKING, Any

from qiskit_qml_ext.models import layers
from qiskit_qml_ext.models.adaptive_svc import AdaptiveQuantumSVC as AdaptiveQuantumSVC
from qiskit_qml_ext.models.guard.plateau_report import PlateauReport as PlateauReport
from qiskit_qml_ext.models.kernel_features import QuantumNystroem as QuantumNystroem
from qiskit_qml_ext.models.kernel_features import RandomFourierSurrogate as RandomFourierSurrogate
from qiskit_qml_ext.models.kernel_machines.gaussian_process_kernel import GaussianProcessKernel as GaussianProcessKernel
from qiskit_qml_ext.models.kernel_machines.gaussian_processes import (
    QuantumGaussianProcessClassifier as QuantumGaussianProcessClassifier,
)
from qiskit_qml_ext.models.kernel_machines.gaussian_processes import (
    QuantumGaussianProcessRegressor as QuantumGaussianProcessRegressor,
)
from qiskit_qml_ext.models.kernel_machines.kernel_ridge import QuantumKernelRidge as QuantumKernelRidge
from qiskit_qml_ext.models.kernel_machines.kernel_transformer import KernelTransformer as KernelTransformer
from qiskit_qml_ext.models.kernel_machines.support_vectors import QuantumOneClassSVM as QuantumOneClassSVM
from qiskit_qml_ext.models.kernel_machines.support_vectors import QuantumSVC as QuantumSVC
from qiskit_qml_ext.models.kernel_machines.support_vectors import QuantumSVR as QuantumSVR
from qiskit_qml_ext.models.layers import QuantumLayer as QuantumLayer
from qiskit_qml_ext.models.quantum_autoencoder import QuantumAutoencoder as QuantumAutoencoder
from qiskit_qml_ext.models.reservoir_transformer import ReservoirTransformer as ReservoirTransformer
from qiskit_qml_ext.models.variational.training_run import TrainingStep as TrainingStep
from qiskit_qml_ext.models.variational_classifier import VariationalClassifier as VariationalClassifier
from qiskit_qml_ext.models.variational_regressor import VariationalRegressor as VariationalRegressor

if TYPE_CHECKING:
    from qiskit_qml_ext.models.layers import JaxLayer as JaxLayer
    from qiskit_qml_ext.models.layers import KerasLayer as KerasLayer
    from qiskit_qml_ext.models.layers import TorchLayer as TorchLayer

__all__ = [
    "GaussianProcessKernel",
    "KernelTransformer",
    "AdaptiveQuantumSVC",
    "PlateauReport",
    "QuantumAutoencoder",
    "QuantumNystroem",
    "QuantumGaussianProcessClassifier",
    "QuantumGaussianProcessRegressor",
    "QuantumKernelRidge",
    "QuantumOneClassSVM",
    "QuantumSVC",
    "QuantumSVR",
    "RandomFourierSurrogate",
    "ReservoirTransformer",
    "TrainingStep",
    "VariationalClassifier",
    "VariationalRegressor",
    *layers.__all__,
]


def __getattr__(name: str) -> Any:
    if name not in layers.ADAPTERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(layers, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *(set(layers.ADAPTERS) & set(dir(layers)))})
