"""Kernels of the states that one feature map prepares: the map, its width, and its training parameters."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import numeric_array
from qiskit_qml_ext.circuits import FeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.encoding import Encoding, encoding_of
from qiskit_qml_ext.primitives.approximation import used_qubits
from qiskit_qml_ext.program import unitary_part


class EncodedKernel(QuantumKernel):
    """A kernel of the states that a feature map prepares.

    Attributes:
        feature_map: A template or a circuit; ``None`` is ``ZZFeatureMap()``. A circuit's parameters take the features
            in the order of ``circuit.parameters``.
        training_parameters: Parameters of a feature-map circuit that are not data; the other parameters take the
            features.
        training_values: Their values; :meth:`assign_training_parameters` sets them.
    """

    # These shadow read-only properties of QML's BaseKernel.
    feature_map: FeatureMap | QuantumCircuit | None = None
    training_parameters: Sequence[Parameter] = ()
    training_values: Sequence[float] | None = None

    @property
    def num_features(self) -> int:
        """The number of features of a plain circuit; a template takes any number, so asking it is an error."""
        if isinstance(self.feature_map, QuantumCircuit):
            return int(self.feature_map.num_parameters) - len(self.training_parameters)
        raise AttributeError("A feature map template encodes any number of features; see FeatureMap.build.")

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits that the encoding of so many features takes; idle ones do not count.

        Of a circuit that was transpiled, wires over which swaps moved a qubit are taken too, and measured.
        """
        feature_map = ZZFeatureMap() if self.feature_map is None else self.feature_map
        if isinstance(feature_map, QuantumCircuit):
            return len(used_qubits(unitary_part(feature_map)))
        return feature_map.num_qubits(num_features)

    @property
    def num_training_parameters(self) -> int:
        """The number of training parameters."""
        return len(self.training_parameters)

    @property
    def parameter_values(self) -> FloatArray:
        """The values of the training parameters, shape (number of training parameters,)."""
        return np.asarray([] if self.training_values is None else self.training_values, dtype=np.float64)

    def assign_training_parameters(self, parameter_values: Mapping[Parameter, float] | ArrayLike) -> None:
        """Set the values of the training parameters, as qiskit-machine-learning's trainer does.

        Args:
            parameter_values: Values in the order of ``training_parameters``, or a mapping that changes some of them.

        Raises:
            ValueError: If the number of values or a parameter of the mapping does not fit.
        """
        if isinstance(parameter_values, Mapping):
            unknown = [parameter for parameter in parameter_values if parameter not in self.training_parameters]
            if unknown:
                raise ValueError(f"{unknown[0]} is not among the training parameters {list(self.training_parameters)}.")
            known = dict(zip(self.training_parameters, self.parameter_values.tolist(), strict=False))
            known.update(parameter_values)
            values = [known[parameter] for parameter in self.training_parameters if parameter in known]
        else:
            values = np.asarray(numeric_array("parameter_values", parameter_values), dtype=np.float64).ravel().tolist()
        if len(values) != len(self.training_parameters):
            raise ValueError(f"{len(values)} values came for {len(self.training_parameters)} training parameters.")
        self.training_values = tuple(float(value) for value in values)

    def _encoding(self, num_features: int) -> Encoding:
        feature_map = ZZFeatureMap() if self.feature_map is None else self.feature_map
        if self.training_values is not None and not len(self.training_parameters):
            raise ValueError("training_values came without training_parameters, so they belong to nothing.")
        if len(self.training_parameters):
            feature_map = self._with_training_values(feature_map)
        return encoding_of(feature_map, num_features)

    def _with_training_values(self, feature_map: FeatureMap | QuantumCircuit) -> QuantumCircuit:
        if not isinstance(feature_map, QuantumCircuit):
            raise TypeError(
                "training_parameters go with a feature map that is a circuit. Build one, or fix the weights of a "
                "template with FixedWeightsFeatureMap."
            )
        trained = list(self.training_parameters)
        check_trained(feature_map, trained)
        if self.training_values is None or len(self.training_values) != len(trained):
            came = "no values yet" if self.training_values is None else f"{len(self.training_values)} values"
            raise ValueError(
                f"The {len(trained)} training parameters have {came}. Give a value for each in training_values, or "
                "call assign_training_parameters first."
            )
        return feature_map.assign_parameters(dict(zip(trained, self.training_values, strict=True)))


def check_trained(feature_map: QuantumCircuit, trained: Sequence[Parameter]) -> None:
    """Refuse training parameters that are not the circuit's, or that leave none for the data.

    Raises:
        ValueError: The message names the parameter, or says how many there are.
    """
    foreign = [parameter for parameter in trained if parameter not in feature_map.parameters]
    if foreign:
        raise ValueError(
            f"The training parameter {foreign[0]} is not a parameter of the feature map, which has "
            f"{', '.join(parameter.name for parameter in feature_map.parameters)}. Parameters are the same only if "
            "they are the same object, not if they have the same name: take them from the circuit's parameters."
        )
    if len(set(trained)) == feature_map.num_parameters:
        raise ValueError(
            f"All {len(trained)} parameters of the feature map are training parameters, so that none is left for "
            "the data. Leave those that take the features out of training_parameters."
        )
