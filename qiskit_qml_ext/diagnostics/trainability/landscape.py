"""A slice through the loss landscape, along two directions, with the path that training took."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.diagnostics.results.result import Result
from qiskit_qml_ext.diagnostics.subject.problem import ObservableFamily, build_observable
from qiskit_qml_ext.engine import expectations

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class LossLandscape(Result):
    """The loss on a plane through a point, from :func:`loss_landscape`."""

    steps: FloatArray
    """The coordinates of the grid along both directions in radians, shape (resolution,)."""
    directions_from: str
    """Where the directions came from."""
    explained: float | None
    """The share of the path's variance that lies in the plane; None without a path."""
    seed: int | None
    """The seed of random directions."""
    losses: FloatArray = field(repr=False)
    """The loss at center + steps[i]·directions[0] + steps[j]·directions[1], shape (resolution, resolution)."""
    center: FloatArray = field(repr=False)
    """The center, shape (P,)."""
    directions: FloatArray = field(repr=False)
    """Two orthonormal directions, shape (2, P)."""
    path: FloatArray | None = field(repr=False)
    """The path's coordinates in the plane, shape (steps, 2)."""

    def headline(self) -> str:
        """Return the range of the loss in one sentence."""
        return f"The loss lies between {self.losses.min():.3g} and {self.losses.max():.3g} on this slice."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return range and spread."""
        rows = [
            ("Smallest loss", f"{self.losses.min():.4g}", ""),
            ("Largest loss", f"{self.losses.max():.4g}", ""),
            ("Spread", f"{self.losses.std():.3g}", "standard deviation over the slice"),
        ]
        if self.explained is not None:
            rows.append(("Path in the plane", f"{self.explained:.0%}", "of the variance of the path"))
        return rows

    def records(self) -> list[dict[str, object]]:
        """Return the loss at each point of the grid."""
        return [
            {"first_step": float(first), "second_step": float(second), "loss": float(self.losses[i, j])}
            for i, first in enumerate(self.steps)
            for j, second in enumerate(self.steps)
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the slice as filled contours, and the path on it."""
        from qiskit_qml_ext.diagnostics.results.axes import RED, new_axes

        axes = new_axes(ax, (5.0, 4.0))
        image = axes.contourf(self.steps, self.steps, self.losses.T, levels=25, cmap="cividis")
        axes.figure.colorbar(image, ax=axes, label="loss")
        if self.path is not None:
            axes.plot(self.path[:, 0], self.path[:, 1], ".-", color=RED, lw=1.2, ms=4, label="training")
            axes.plot(*self.path[-1], "*", color=RED, ms=11, mec="white")
            axes.legend(frameon=False, labelcolor="white")
        axes.set(xlabel="first direction (radians)", ylabel="second direction (radians)")
        return axes


@check_arguments()
def loss_landscape(
    circuit: QuantumCircuit,
    observable: ObservableFamily,
    center: ArrayLike,
    *,
    path: ArrayLike | None = None,
    directions: ArrayLike | None = None,
    radius: float | None = None,
    resolution: int = 41,
    seed: int | None = 0,
) -> LossLandscape:
    """Evaluate the loss on a plane through a point.

    Args:
        circuit: The circuit with P parameters.
        observable: An observable, or a function from the number of qubits to one.
        center: The point, shape (P,), for example the trained parameters.
        path: Points that training visited, shape (steps, P); they are projected onto the plane.
        directions: Two directions, shape (2, P), made orthonormal; by default the principal components of the path
            around the center, or without a path two random ones.
        radius: Half the width of the slice in radians; by default a little more than the path needs, or π.
        resolution: Points along each direction, at least 2.
        seed: Seed of random directions.

    Raises:
        ValueError: If a shape does not fit.

    References:
        Li et al., arXiv:1712.09913.

    Examples:
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz
        >>> from qiskit_qml_ext.diagnostics import local_observable, loss_landscape
        >>> circuit = RealAmplitudesAnsatz(reps=1).build(2)
        >>> loss_landscape(circuit, local_observable, [0.0] * 4, resolution=5).losses.shape
        (5, 5)
    """
    size = circuit.num_parameters
    point = np.asarray(center, dtype=np.float64)
    if point.shape != (size,) or size < 2:
        raise ValueError(f"center must have the shape ({size},), at least two parameters, but has {point.shape}.")
    if resolution < 2:
        raise ValueError(f"resolution must be at least 2, but {resolution} came.")
    if radius is not None and not (np.isfinite(radius) and radius > 0):
        raise ValueError(f"radius must be a positive number of radians, but {radius!r} came.")
    visited = None if path is None else np.asarray(path, dtype=np.float64)
    if visited is not None and (visited.ndim != 2 or visited.shape[1] != size or len(visited) < 2):
        raise ValueError(f"path must have at least two rows and the shape (steps, {size}), but has {visited.shape}.")
    plane, origin = _directions(directions, visited, point, size, seed)
    inside = None if visited is None else (visited - point) @ plane.T
    reach = radius
    if reach is None:
        reach = np.pi if inside is None else max(1.15 * float(np.abs(inside).max()), 1e-3)
    steps = np.linspace(-reach, reach, resolution)
    grid = point + steps[:, None, None] * plane[0] + steps[None, :, None] * plane[1]
    losses = expectations(circuit, grid.reshape(-1, size), build_observable(observable, circuit.num_qubits))
    total = None if visited is None else float(np.sum((visited - point) ** 2))
    return LossLandscape(
        steps=steps,
        directions_from=origin,
        explained=None if inside is None or not total else float(np.sum(inside**2) / total),
        seed=seed,
        losses=np.asarray(losses, dtype=np.float64)[:, 0].reshape(resolution, resolution),
        center=point,
        directions=plane,
        path=inside,
    )


def _directions(
    directions: ArrayLike | None, path: FloatArray | None, center: FloatArray, size: int, seed: int | None
) -> tuple[FloatArray, str]:
    if directions is not None:
        given = np.asarray(directions, dtype=np.float64)
        if given.shape != (2, size):
            raise ValueError(f"directions must have the shape (2, {size}), but has {given.shape}.")
        if not np.all(np.isfinite(given)) or not np.all(given.any(axis=1)):
            raise ValueError("directions must be finite, and neither of them zero.")
        given = given / np.abs(given).max(axis=1, keepdims=True)  # their lengths do not matter
        given, origin = given / np.linalg.norm(given, axis=1, keepdims=True), "given"
    elif path is not None:
        given, origin = np.linalg.svd(path - center, full_matrices=True)[2][:2], "principal components of the path"
    else:
        given, origin = np.random.default_rng(seed).normal(size=(2, size)), "random"
    first = given[0] / np.linalg.norm(given[0])
    second = given[1] - (given[1] @ first) * first
    length = float(np.linalg.norm(second))
    if length < 1e-12:
        raise ValueError("The two directions are parallel; give two different ones.")
    return np.array([first, second / length]), origin
