"""Models that follow scikit-learn's conventions, and circuits as layers of neural networks."""

from typing import TYPE_CHECKING, Any

from qiskit_qml_ext.models import layers
from qiskit_qml_ext.models.adaptive_svc import AdaptiveQuantumSVC as AdaptiveQuantumSVC
from qiskit_qml_ext.models.guard.plateau_report import PlateauReport as PlateauReport
from qiskit_qml_ext.models.layers import QuantumLayer as QuantumLayer
from qiskit_qml_ext.models.quantum_autoencoder import QuantumAutoencoder as QuantumAutoencoder
from qiskit_qml_ext.models.reservoir_transformer import ReservoirTransformer as ReservoirTransformer
from qiskit_qml_ext.models.support_vectors import QuantumSVC as QuantumSVC
from qiskit_qml_ext.models.support_vectors import QuantumSVR as QuantumSVR
from qiskit_qml_ext.models.variational.training_run import TrainingStep as TrainingStep
from qiskit_qml_ext.models.variational_classifier import VariationalClassifier as VariationalClassifier
from qiskit_qml_ext.models.variational_regressor import VariationalRegressor as VariationalRegressor

if TYPE_CHECKING:
    from qiskit_qml_ext.models.layers import JaxLayer as JaxLayer
    from qiskit_qml_ext.models.layers import KerasLayer as KerasLayer
    from qiskit_qml_ext.models.layers import TorchLayer as TorchLayer

__all__ = [
    "AdaptiveQuantumSVC",
    "PlateauReport",
    "QuantumAutoencoder",
    "QuantumSVC",
    "QuantumSVR",
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
