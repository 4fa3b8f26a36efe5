"""Frequencies, among them all that a circuit's data can have, how often each occurs, and draws of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import RotationProgram, driven_angles

_MAX_LISTED = 4096  # frequencies of features that rotations join; of others they are multiplied
_SAME = 1e-9  # frequencies closer than this are one


@dataclass(frozen=True, eq=False)
class Group:
    """Frequencies in some of the features, which no rotation joins with the others."""

    features: IndexArray
    """The features, ascending."""
    frequencies: FloatArray
    """The different frequencies, shape (number of frequencies, number of features)."""
    probabilities: FloatArray
    """How often each occurs, as a share: its multiplicity over that of all."""


class EncodingSpectrum:
    r"""The frequencies of any circuit whose rotations turn by these affine functions of the features.

    A rotation by the angle c·x + b has eigenvalues ±1/2 of its generator, so that it adds -c, 0, 0 or c to a frequency:
    any function ⟨O⟩ of the state is a sum of e^{iω·x} over ω = Σ δ_g c_g with δ_g from {-1, 0, 1}. The multiplicity of
    a frequency is the number of ways to it, with two for each 0 (Schuld, Sweke and Meyer, arXiv:2008.08605). All
    frequencies of the circuit are among these; what rotations do one after the other may leave some of them out.

    Args:
        program: A lowered circuit; its parameters are the features.

    Raises:
        UnsupportedCircuitError: If an angle is not affine in the features.
    """

    def __init__(self, program: RotationProgram):
        self.num_features = program.num_parameters
        self.slopes = np.array(list(_slopes(program)), dtype=np.float64).reshape(-1, self.num_features)
        """c_g of each rotation that depends on data, shape (rotations, features)."""

    @cached_property
    def groups(self) -> list[Group] | None:
        """The frequencies, group by group; ``None`` where a group has more than 4,096."""
        joined = coo_matrix(self.slopes != 0)
        _, label = connected_components(joined.T @ joined, directed=False)
        groups = []
        for one in np.unique(label):
            features = np.flatnonzero(label == one)
            rotations = self.slopes[np.any(self.slopes[:, features] != 0, axis=1)][:, features]
            listed = _listed(rotations)
            if listed is None:
                return None
            groups.append(Group(features, *listed))
        return groups

    def draw_by_multiplicity(self, number: int, rng: np.random.RandomState) -> FloatArray:
        """Draw frequencies with probabilities that grow as their multiplicities, shape (number, features)."""
        steps = rng.choice([-1.0, 0.0, 0.0, 1.0], size=(number, len(self.slopes)))
        drawn: FloatArray = steps @ self.slopes
        return drawn

    def draw_uniformly(self, number: int, rng: np.random.RandomState) -> FloatArray:
        """Draw frequencies with equal probabilities, shape (number, features).

        Raises:
            ValueError: If there are too many to list.
        """
        drawn = np.empty((number, self.num_features))
        for group in self._listed_groups():
            drawn[:, group.features] = group.frequencies[rng.randint(len(group.frequencies), size=number)]
        return drawn

    def kernel_by_multiplicity(self, differences: FloatArray) -> FloatArray:
        """Return E cos(ω·Δ) over draws by multiplicity, Π_g cos²(c_g·Δ / 2).

        Args:
            differences: Δ, shape (…, features).
        """
        kernel: FloatArray = np.prod(np.cos(differences @ self.slopes.T / 2) ** 2, axis=-1)
        return kernel

    def kernel_uniformly(self, differences: FloatArray) -> FloatArray:
        """Return E cos(ω·Δ) over uniform draws; see :meth:`kernel_by_multiplicity`."""
        means = (
            np.mean(np.cos(differences[..., group.features] @ group.frequencies.T), axis=-1)
            for group in self._listed_groups()
        )
        return np.prod(np.stack(list(means)), axis=0)

    def _listed_groups(self) -> list[Group]:
        if self.groups is None:
            raise ValueError(
                f"Rotations join features so that there are more than {_MAX_LISTED} frequencies, too many to list and "
                "to draw alike. Draw them by their multiplicities: weights='multiplicity'."
            )
        return self.groups


def _slopes(program: RotationProgram) -> Iterator[list[float]]:
    data = range(program.num_parameters)
    depends = driven_angles(program.angles, data)
    for rotation in program.rotations:
        if rotation.support == 0 or not depends[rotation.angle]:
            continue
        terms, _ = program.angles.rows.row(rotation.angle)
        if any(atom >= program.num_parameters for atom, factor in terms.items() if factor != 0):
            raise UnsupportedCircuitError(
                "An angle of the circuit is not an affine function of the features (it is a product or a function of "
                "them), so that it has no finite spectrum to draw from. Take a map such as AngleFeatureMap, or "
                "QuantumNystroem, which takes any kernel."
            )
        yield [terms.get(column, 0.0) for column in data]


def _listed(rotations: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Return the sums of -c, 0, 0, c over rotations with their shares; ``None`` if they are too many."""
    frequencies: FloatArray = np.zeros((1, rotations.shape[1]))
    shares: FloatArray = np.ones(1)
    for slope in rotations:
        grown = np.concatenate([frequencies - slope, frequencies, frequencies + slope])
        weights = np.concatenate([shares / 4, shares / 2, shares / 4])
        _, first, place = np.unique(np.rint(grown / _SAME) + 0.0, axis=0, return_index=True, return_inverse=True)
        frequencies = grown[first]
        shares = np.bincount(place.ravel(), weights=weights).astype(np.float64)
        if len(frequencies) > _MAX_LISTED:
            return None
    return frequencies, shares
