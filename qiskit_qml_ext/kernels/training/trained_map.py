"""What of a feature map is trained: its weights, and a bandwidth, as one vector of real numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.circuits.template import data_and_weights
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.kernels.data_binding import warn_of_order
from qiskit_qml_ext.kernels.encoded import check_trained
from qiskit_qml_ext.kernels.encoding import Encoding, template_encoding
from qiskit_qml_ext.program import PauliRotation, driven_angles, lower

BANDWIDTHS = (None, "common", "each")


@dataclass(frozen=True, eq=False)
class TrainedMap:
    """A feature map whose parameters are features, multiplied by a bandwidth, and weights.

    A *point* is the weights, then the natural logarithms of the bandwidths: whatever it is, bandwidths are positive.
    """

    encoding: Encoding
    """The circuit with all its parameters free."""
    data: IntArray
    """Where the features stand in ``circuit.parameters``, in the order of their columns, shape (features,)."""
    weights: IntArray
    """Where the weights stand in ``circuit.parameters``, in their order, shape (W,)."""
    num_bandwidths: int
    """How many bandwidths are trained: none, one for all features, or one for each."""

    @property
    def circuit(self) -> QuantumCircuit:
        """The circuit, unitary, with all its parameters free."""
        return self.encoding.unitary

    @property
    def key(self) -> tuple[str, bytes, bytes]:
        """What it is, by content: the circuit, and which of its parameters are what."""
        return self.encoding.key, self.data.tobytes(), self.weights.tobytes()

    @property
    def size(self) -> int:
        """The length of a point."""
        return len(self.weights) + self.num_bandwidths

    @property
    def trains(self) -> bool:
        """Whether there is anything to train that changes a kernel matrix."""
        return bool(self.columns)

    @property
    def columns(self) -> Sequence[int]:
        """The parameters of the circuit by which fidelities and the point depend on each other, ascending."""
        data = self.data if self.num_bandwidths else self.data[:0]
        columns: list[int] = sorted([*self._live_weights, *data.tolist()])
        return columns

    @cached_property
    def _live_weights(self) -> list[int]:
        """The weights that drive a rotation before the last one that depends on data.

        What comes after that is V in U(x) = V W(x), and cancels in U(y)†U(x).
        """
        try:
            program = lower(self.circuit)
        except UnsupportedCircuitError:  # only devices can run it, and nobody knows what is in it
            return list(self.weights.tolist())
        by_data = driven_angles(program.angles, self.data.tolist())
        rotations = [one.angle for one in program.operations if isinstance(one, PauliRotation)]
        last = max((place for place, angle in enumerate(rotations) if by_data[angle]), default=-1)
        before = list(rotations[: last + 1])
        live = (one for one in self.weights.tolist() if np.any(driven_angles(program.angles, [one])[before]))
        return list(live)

    def start(self, weights: FloatArray) -> FloatArray:
        """Return the point with these weights and bandwidths of 1."""
        return np.concatenate([weights, np.zeros(self.num_bandwidths)])

    def split(self, point: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the weights (W,) and the bandwidth of each feature (features,) of a point."""
        logarithms = point[len(self.weights) :]
        bandwidths = np.exp(logarithms) if self.num_bandwidths else np.ones(1)
        return point[: len(self.weights)], np.broadcast_to(bandwidths, self.data.shape)

    def gamma_at(self, point: FloatArray) -> float | None:
        """Return the bandwidth of a classical kernel behind the map at a point: there is none."""
        return None

    def rows(self, samples: FloatArray, weights: FloatArray, bandwidths: FloatArray) -> FloatArray:
        """Return the values of all parameters of the circuit for samples, shape (n, P)."""
        rows = np.empty((len(samples), len(self.data) + len(self.weights)))
        rows[:, self.data] = samples * bandwidths
        rows[:, self.weights] = weights
        return rows

    def rows_at(self, samples: FloatArray, point: FloatArray) -> FloatArray:
        """Return :meth:`rows` for a point."""
        return self.rows(samples, *self.split(point))

    def pull_back(self, rows: FloatArray, gradients: FloatArray) -> FloatArray:
        """Return the derivatives by the point from those by the parameters of the circuit, row by row (n, P)."""
        by_weights = gradients[:, self.weights].sum(axis=0)
        # ∂(c x)/∂ log c = c x, which is what stands in the rows
        by_features = (gradients[:, self.data] * rows[:, self.data]).sum(axis=0)
        by_bandwidths = by_features if self.num_bandwidths == len(self.data) else by_features.sum(keepdims=True)
        return np.concatenate([by_weights, by_bandwidths[: self.num_bandwidths]])

    def slopes(self, rows: FloatArray) -> FloatArray:
        """Return ∂parameters/∂point at rows, shape (n, P, size)."""
        slopes = np.zeros((*rows.shape, self.size))
        slopes[:, self.weights, np.arange(len(self.weights))] = 1.0
        if self.num_bandwidths:
            columns = len(self.weights) + np.arange(len(self.data)) % self.num_bandwidths
            slopes[:, self.data, columns] = rows[:, self.data]
        return slopes

    def bound(self, weights: FloatArray, bandwidths: FloatArray) -> QuantumCircuit:
        """Return the circuit with its weights fixed and its features multiplied by their bandwidths."""
        parameters = list(self.circuit.parameters)
        fixed = {parameters[place]: value for place, value in zip(self.weights, weights.tolist(), strict=True)}
        scaled = {
            parameters[place]: value * parameters[place]
            for place, value in zip(self.data, bandwidths.tolist(), strict=True)
            if value != 1.0
        }
        return self.circuit.assign_parameters({**fixed, **scaled})


def trained_map(
    feature_map: FeatureMap | QuantumCircuit,
    num_features: int,
    training_parameters: Sequence[Parameter],
    trained_bandwidth: str | None,
) -> TrainedMap:
    """Say what of a feature map is trained.

    Args:
        feature_map: A template, all of whose weights are trained, or a circuit.
        num_features: How many features a sample has.
        training_parameters: Of a circuit: the parameters that are trained. The others take the features.
        trained_bandwidth: ``"common"``, ``"each"`` or ``None``.

    Raises:
        TypeError: If ``feature_map`` is neither, or training parameters came for a template.
        ValueError: If the numbers of features differ, a training parameter is not the circuit's, or
            ``trained_bandwidth`` is another word.
    """
    chosen = trained_bandwidth
    if not (chosen is None or isinstance(chosen, str)) or chosen not in BANDWIDTHS:
        raise wrong_value("trained_bandwidth", "'common' (one factor), 'each' (one for each feature) or None", chosen)
    encoding, data, weights = _split(feature_map, num_features, list(training_parameters))
    if len(data) != num_features:
        raise ValueError(
            f"The data have {num_features} columns but the feature map encodes {len(data)}. Reduce the data (for "
            f"example PCA({len(data)})) or build the map with {num_features} features."
        )
    place = {parameter: index for index, parameter in enumerate(encoding.circuit.parameters)}
    return TrainedMap(
        encoding,
        np.array([place[one] for one in data], dtype=np.int64),
        np.array([place[one] for one in weights], dtype=np.int64),
        {None: 0, "common": 1, "each": num_features}[chosen],
    )


def _split(
    feature_map: object, num_features: int, trained: list[Parameter]
) -> tuple[Encoding, list[Parameter], list[Parameter]]:
    """Return the circuit's encoding, and its parameters that are data and weights."""
    if isinstance(feature_map, FeatureMap):
        if trained:
            raise TypeError(
                "training_parameters go with a feature map that is a circuit; all weights of a template are trained."
            )
        encoding = template_encoding(feature_map, num_features)
        return encoding, *data_and_weights(encoding.circuit)
    if not isinstance(feature_map, QuantumCircuit):
        raise wrong_kind("feature_map", "a template or a QuantumCircuit", feature_map)
    check_trained(feature_map, trained)
    data = [parameter for parameter in feature_map.parameters if parameter not in set(trained)]
    warn_of_order(data)
    return Encoding(feature_map), data, trained
