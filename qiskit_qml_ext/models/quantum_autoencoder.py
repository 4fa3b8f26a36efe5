"""States on fewer qubits: a trained circuit that leaves the other qubits in |0⟩."""

import warnings
from itertools import compress, product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray, ComplexArray, FloatArray
from qiskit_qml_ext.checks import numeric_array, truth_value, whole_number, wrong_kind
from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz, data_and_weights
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.exceptions import DeadWeightsWarning
from qiskit_qml_ext.gradients.problem import pose
from qiskit_qml_ext.gradients.readings import read
from qiskit_qml_ext.models.undoing import undone_if_it_fails
from qiskit_qml_ext.models.variational_regressor import VariationalRegressor
from qiskit_qml_ext.primitives import Connection, connect

_OWN = ("input_parameters", "observables", "loss", "output_scale", "output_bias", "warm_start")


class QuantumAutoencoder(TransformerMixin, BaseEstimator):
    r"""Compress the states of samples to some of their qubits, by a circuit that leaves the other qubits in |0⟩.

    The encoder U acts on |φ(x)⟩; its first ``num_latent`` qubits are kept, the others are thrown away. The cost is
    1 - p with p the probability that all thrown away qubits are found in |0⟩, averaged over the samples. Putting fresh
    qubits in |0⟩ in their places and applying U† gives back a state whose fidelity with |φ(x)⟩ is between p² and p. No
    encoder reaches more than :meth:`best_score`: the sum of the 2^num_latent largest eigenvalues of the mean of
    |φ(x)⟩⟨φ(x)|.

    Args:
        model: What is trained, and how: the feature map and the ansatz of this regressor are the states and the
            encoder (``None`` takes ``AngleFeatureMap()`` and ``RealAmplitudesAnsatz()``), its other settings say how
            it is trained and where it runs. Its observables, loss, scale and bias must be left as they are, which are
            those of the autoencoder. For states rather than samples take
            :func:`~qiskit_qml_ext.circuits.state_circuit` as feature map and
            :func:`~qiskit_qml_ext.circuits.state_angles` as samples.
        num_latent: How many qubits are kept, the first ones.
        is_local: Whether the cost is the mean of the probabilities that each thrown away qubit is found in |1⟩,
            which is between 1 - p divided by their number and 1 - p. With many of them, the gradients of 1 - p vanish.

    Attributes:
        model_: The trained regressor; its ``history_`` has the cost of each iteration.
        encoder_: The trained circuit U.
        decoder_: U†, which takes the kept qubits with the others in |0⟩.
        n_features_in_: The number of features of a sample.

    References:
        Romero, Olson and Aspuru-Guzik, arXiv:1612.02806; local costs: Cerezo et al., arXiv:2001.00550.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz, state_angles, state_circuit
        >>> from qiskit_qml_ext.models import QuantumAutoencoder, VariationalRegressor
        >>> mixed = np.linspace(0, np.pi, 8)[:, None]
        >>> states = np.cos(mixed) * [0, 1, 0, 0] + np.sin(mixed) * [0, 0, 1, 0]  # of two dimensions: one qubit
        >>> model = VariationalRegressor(state_circuit(2, is_real=True), RealAmplitudesAnsatz(reps=2),
        ...                              optimizer="l-bfgs-b", tol=0.0, random_state=1)
        >>> autoencoder = QuantumAutoencoder(model, num_latent=1).fit(state_angles(states))
        >>> bool(autoencoder.score(state_angles(states)) > 0.9999)
        True
    """

    def __init__(self, model: VariationalRegressor, num_latent: int = 1, *, is_local: bool = False):
        self.model = model
        self.num_latent = num_latent
        self.is_local = is_local

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Train the encoder.

        Args:
            X: Samples, or the angles of states, shape (n, features).
            y: Not used; here so that pipelines can pass it.

        Raises:
            TypeError: A setting is of the wrong kind.
            ValueError: There are no qubits to throw away, the feature map has weights of its own, or the model reads
                or weighs something else.
        """
        with undone_if_it_fails(self):
            samples = validate_data(self, X, dtype=np.float64)
            numeric_array("X", X)  # scikit-learn drops masks, and makes numbers of dates and text
            encoding, encoder = self._circuits(samples.shape[1])
            thrown = range(self.num_latent, encoding.num_qubits)
            observable = _mean_zero(thrown) if self.is_local else _all_zero(thrown)
            model = clone(self.model).set_params(
                observables=[SparsePauliOp.from_sparse_list(observable, encoding.num_qubits)],
                loss=_Shortfall(),
                output_scale=1.0,
                output_bias=0.0,
            )
            with warnings.catch_warnings():
                # templates end in rotations of the kept qubits, too
                if not isinstance(self.model.ansatz, QuantumCircuit):
                    warnings.simplefilter("ignore", DeadWeightsWarning)
                self.model_ = model.fit(samples, np.ones(len(samples)))
            self.encoder_ = encoder.assign_parameters(self.model_.weights_)
            self.decoder_ = self.encoder_.inverse()
            self._compressing = encoding.compose(self.encoder_)
            self._encoding, self._num_latent = encoding, self.num_latent
        return self

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the kept qubits' state: the expectation values of all their Pauli strings, shape (n, 4^k - 1).

        Args:
            X: Samples, shape (n, features).
        """
        samples = self._samples(X)
        strings, width = _pauli_strings(self._num_latent), self._encoding.num_qubits
        return self._read(samples, [SparsePauliOp.from_sparse_list([(*string, 1.0)], width) for string in strings])

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> AnyArray:
        """Return the Pauli strings with their qubits, such as ``"X0Z1"``.

        Args:
            input_features: The names of the features that ``fit`` saw, or ``None``; no name depends on them.
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        strings = _pauli_strings(self._num_latent)
        names = ["".join(f"{axis}{qubit}" for axis, qubit in zip(*string, strict=True)) for string in strings]
        return np.array(names, dtype=object)

    def score(self, X: ArrayLike, y: ArrayLike | None = None) -> float:
        """Return the mean probability that all thrown away qubits are found in |0⟩.

        Args:
            X: Samples, shape (n, features).
            y: Not used.
        """
        samples = self._samples(X)
        width = self._encoding.num_qubits
        observable = SparsePauliOp.from_sparse_list(_all_zero(range(self._num_latent, width)), width)
        return float(self._read(samples, [observable]).mean())

    def best_score(self, X: ArrayLike) -> float:
        """Return the largest score that any encoder reaches on these samples, from their exact states.

        Args:
            X: Samples, shape (n, features).
        """
        states = self._where().statevectors(self._encoding, self._samples(X))
        shares = np.linalg.svd(states, compute_uv=False) ** 2 / len(states)
        return float(shares[: 1 << self._num_latent].sum())

    def fidelities(self, X: ArrayLike) -> FloatArray:
        """Return the fidelity of each state with what comes back after compression, shape (n,), from exact states.

        Args:
            X: Samples, shape (n, features).
        """
        states = self._where().statevectors(self._compressing, self._samples(X))
        parts = states.reshape(len(states), -1, 1 << self._num_latent)  # by outcome of the thrown away qubits
        overlaps: ComplexArray = np.einsum("bl,btl->bt", parts[:, 0].conj(), parts)
        return np.asarray((np.abs(overlaps) ** 2).sum(axis=1), dtype=np.float64)

    def _circuits(self, num_features: int) -> tuple[QuantumCircuit, QuantumCircuit]:
        """The circuits of states and encoder, after all checks of the settings."""
        model = self.model
        if not isinstance(model, VariationalRegressor):
            raise wrong_kind("model", "a VariationalRegressor", model)
        defaults = VariationalRegressor().get_params(deep=False)
        for name in _OWN:
            given, default = getattr(model, name), defaults[name]
            if not (isinstance(given, type(default)) and given == default):
                raise ValueError(
                    f"{name} of the model is the autoencoder's own, but {given!r} came. Leave it as it is by default."
                )
        whole_number("num_latent", self.num_latent)
        truth_value("is_local", self.is_local)
        encoding = _built(AngleFeatureMap() if model.feature_map is None else model.feature_map, num_features)
        _, own = data_and_weights(encoding)
        if own:
            raise ValueError(
                f"The feature map of the model has {len(own)} weights of its own: the states would be trained instead "
                "of their compression. Take one without weights, or fix them with FixedWeightsFeatureMap."
            )
        if encoding.num_qubits <= self.num_latent:
            raise ValueError(
                f"num_latent={self.num_latent} qubits are to be kept, but n_features={num_features} are encoded in "
                f"{encoding.num_qubits}, so that none is left to throw away. Keep fewer, or encode in more."
            )
        return encoding, _built(RealAmplitudesAnsatz() if model.ansatz is None else model.ansatz, encoding.num_qubits)

    def _samples(self, X: ArrayLike) -> FloatArray:
        check_is_fitted(self)
        samples: FloatArray = validate_data(self, X, dtype=np.float64, reset=False)
        numeric_array("X", X)
        return samples

    def _where(self) -> Connection:
        check_is_fitted(self)
        given: Connection | None = self.model_.get_params(deep=False).get("connection")
        return connect() if given is None else given

    def _read(self, samples: FloatArray, observables: list[Observable]) -> FloatArray:
        problem = pose(self._compressing, observables, samples, connection=self._where())
        return read(problem.circuit, problem.values, problem.observables, problem.connection).values


class _Shortfall:
    """The loss t - o: how much is missing."""

    local_cost = "take is_local=True"
    """What the guard of a training advises instead of other observables."""

    def __call__(self, outputs: FloatArray, targets: FloatArray, /) -> tuple[FloatArray, FloatArray]:
        return (targets - outputs)[:, 0], -np.ones_like(outputs)


def _all_zero(qubits: range) -> list[tuple[str, list[int], float]]:
    """The projector on |0…0⟩ of some qubits, the product of (1 + Z)/2, as Pauli strings with their qubits."""
    weight = 0.5 ** len(qubits)
    masks = product((False, True), repeat=len(qubits))
    chosen = (list(compress(qubits, mask)) for mask in masks)
    return [("Z" * len(some), some, weight) for some in chosen]


def _mean_zero(qubits: range) -> list[tuple[str, list[int], float]]:
    """The mean over some qubits of the projectors on |0⟩."""
    return [("", [], 0.5), *(("Z", [qubit], 0.5 / len(qubits)) for qubit in qubits)]


def _pauli_strings(num_qubits: int) -> list[tuple[str, list[int]]]:
    """All Pauli strings but the identity, as letters and their qubits."""
    strings = []
    for letters in product("IXYZ", repeat=num_qubits):
        qubits = [qubit for qubit, letter in enumerate(letters) if letter != "I"]
        strings.append(("".join(letter for letter in letters if letter != "I"), qubits))
    return strings[1:]


def _built(circuit: Any, width: int) -> QuantumCircuit:
    if isinstance(circuit, QuantumCircuit):
        return circuit
    if isinstance(circuit, type) or not callable(getattr(circuit, "build", None)):
        raise wrong_kind("The model's feature_map and ansatz", "templates, QuantumCircuits or None", circuit)
    built: QuantumCircuit = circuit.build(width)
    return built
