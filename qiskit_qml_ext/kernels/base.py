"""What all quantum kernels share: the connection, the checks of data, the repair, and the ways to call them."""

from abc import abstractmethod
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike
from qiskit.primitives import BaseSamplerV2
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import BaseEstimator, clone
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate, RawKernel
from qiskit_qml_ext.kernels.repairs import Repair, repaired
from qiskit_qml_ext.kernels.samples import check_pair
from qiskit_qml_ext.primitives import Connection, RunPlan, connect
from qiskit_qml_ext.primitives.forks import Lock

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager

_wrapping = Lock()


@cache
def exact_connection() -> Connection:
    """Return a connection for exact results, the same for all kernels: what they leave in it changes no result."""
    return connect()


class QuantumKernel(BaseKernel, BaseEstimator):
    """A kernel of qiskit-machine-learning, a callable as scikit-learn's ``SVC`` takes it, and a scikit-learn object.

    A kernel of its own kind stores its arguments in ``__init__`` and says how a matrix is found (:meth:`_estimate`) and
    what that takes (:meth:`_plan_run`); the rest is here. A circuit-running one has the attributes below among its
    arguments.

    Attributes:
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        sampler: A V2 sampler of the user's own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        psd_repair: What is done with a symmetric matrix before it is returned: the name of a repair, a
            :class:`~qiskit_qml_ext.kernels.Repair`, or ``None`` for nothing.
    """

    # QML's constructor is not called: it wants a circuit of a fixed width and stores it apart, where set_params and
    # clone would not see a change.
    connection: Connection | None = None
    sampler: BaseSamplerV2 | None = None
    pass_manager: "PassManager | None" = None
    psd_repair: str | Repair | None = None

    @abstractmethod
    def _estimate(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        """Return the matrix of checked samples before any repair; ``y=None`` means ``x`` again."""

    @abstractmethod
    def _plan_run(
        self,
        x: FloatArray,
        y: FloatArray | None,
        *,
        shots: int | None,
        price_per_minute: float | None,
        entries: tuple[float, float] | None,
    ) -> RunPlan:
        """Return what :meth:`plan` returns, for checked samples."""

    def _synthesis_error(self, x: FloatArray, y: FloatArray | None) -> float | None:
        """Return by how much the states that run differ from the feature map's; see :class:`KernelEstimate`."""
        return 0.0

    @property
    def enforce_psd(self) -> bool:
        """Whether a symmetric matrix is made positive semi-definite."""
        return self.psd_repair is not None

    def evaluate(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> FloatArray:
        """Compute the kernel matrix.

        Args:
            x_vec: Samples, shape (n, features); one sample may be one-dimensional.
            y_vec: Samples, shape (m, features); ``None`` means ``x_vec`` again.

        Returns:
            The matrix k(x_i, y_j), shape (n, m).

        Raises:
            ValueError: If the data are not finite, have the wrong shape, or a setting is not valid.
        """
        x, y = check_pair(x_vec, y_vec)
        raw = self._estimate(x, y)
        return raw.matrix if self.psd_repair is None else repaired(raw, self.psd_repair, is_symmetric=y is None)

    def evaluate_with_errors(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> KernelEstimate:
        """Compute the kernel matrix with the standard error of each entry; see :meth:`evaluate`."""
        x, y = check_pair(x_vec, y_vec)
        raw = self._estimate(x, y)
        matrix = raw.matrix.copy()
        if self.psd_repair is not None:
            matrix = repaired(replace(raw, matrix=matrix), self.psd_repair, is_symmetric=y is None)
        return KernelEstimate(
            matrix,
            raw.standard_errors,
            raw.matrix,
            raw.shots,
            raw.target,
            self._synthesis_error(x, y),
        )

    def plan(
        self,
        x_vec: ArrayLike,
        y_vec: ArrayLike | None = None,
        *,
        shots: int | None = None,
        price_per_minute: float | None = None,
        entries: tuple[float, float] | None = None,
    ) -> RunPlan:
        """Say what the sampled kernel matrix will take, and how its noise compares with its spread, without running it.

        Args:
            x_vec: Samples, shape (n, features).
            y_vec: Samples, shape (m, features); ``None`` means ``x_vec`` again.
            shots: Shots of every circuit; by default the connection's.
            price_per_minute: The price of a minute of processor time.
            entries: Mean and variance of the entries off the diagonal, where they are known; by default those of up to
                40 samples are simulated, on up to 12 qubits.

        Returns:
            The plan; pairs that this process knows already are not counted.

        Raises:
            ValueError: If the data are not valid, or the kernel is exact and runs no circuits.
        """
        x, y = check_pair(x_vec, y_vec)
        return self._plan_run(x, y, shots=shots, price_per_minute=price_per_minute, entries=entries)

    def __call__(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> FloatArray:
        """Compute the kernel matrix, as scikit-learn calls a kernel; the same as :meth:`evaluate`."""
        return self.evaluate(x_vec, y_vec)

    def with_connection(self, connection: Connection | None) -> Self:
        """Return a copy of the kernel whose circuits run through another connection; ``None`` for exact results."""
        copy: Self = clone(self)
        return copy.set_params(connection=connection, sampler=None, pass_manager=None)

    def exact_copy(self) -> Self:
        """Return a copy of the kernel with exact results and without a repair."""
        return self.with_connection(None).set_params(psd_repair=None)

    def __sklearn_clone__(self) -> Self:
        # Primitives and connections are shared, not copied: they may stand for paid hardware.
        settings: dict[str, Any] = {
            name: clone(value) if isinstance(value, (FeatureMap, QuantumKernel)) else value
            for name, value in self.get_params(deep=False).items()
        }
        copy = type(self)(**settings)
        if isinstance(self.sampler, BaseSamplerV2):  # what one of the copies runs, the others know
            copy._wrapped = self._wrap(self.sampler)
        return copy

    def _connection(self, *, draws: bool = False) -> Connection:
        """Return where circuits run.

        Args:
            draws: Whether the results of an exact connection are drawn too. Without a connection of the user's they are
                drawn anew each time.
        """
        if self.sampler is not None:
            if self.connection is not None:
                raise ValueError("Both a connection and a sampler came. Give one of them.")
            return self._wrap(self.sampler)[2]
        if self.pass_manager is not None:
            raise ValueError("pass_manager goes with sampler=…; a connection transpiles by itself.")
        if self.connection is None:
            return connect() if draws else exact_connection()
        if not isinstance(self.connection, Connection):
            raise TypeError(
                f"connection must come from connect(…), but {self.connection!r} ({type(self.connection).__name__}) "
                "came."
            )
        return self.connection

    def _wrap(self, sampler: BaseSamplerV2) -> "tuple[BaseSamplerV2, PassManager | None, Connection]":
        """Return the connection around the user's sampler, the same for all threads and copies."""
        with _wrapping:
            held: tuple[BaseSamplerV2, PassManager | None, Connection] | None = getattr(self, "_wrapped", None)
            if held is None or held[0] is not sampler or held[1] is not self.pass_manager:
                wrapped = Connection.from_primitives(sampler=sampler, pass_manager=self.pass_manager)
                self._wrapped = held = (sampler, self.pass_manager, wrapped)
            return held
