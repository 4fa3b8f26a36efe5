"""What all quantum kernels share: the connection, the checks of data, the repair, and the ways to call them."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from qiskit.primitives import BaseSamplerV2
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import BaseEstimator, clone
from sklearn.gaussian_process.kernels import Kernel
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate, RawKernel
from qiskit_qml_ext.kernels.measured_diagonal import MeasuredDiagonal
from qiskit_qml_ext.kernels.repairs import PsdRepair, makes_psd, needs_diagonal, repaired, steps_of
from qiskit_qml_ext.kernels.samples import check_pair, check_samples
from qiskit_qml_ext.primitives import Connection, connect
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.primitives.targets.checked_primitives import SAMPLER

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager

_wrapping = Lock()


@cache
def exact_connection() -> Connection:
    """Return a connection for exact results, the same for all kernels: what they leave in it changes no result."""
    return connect()


class QuantumKernel(BaseKernel, BaseEstimator):
    """A kernel of qiskit-machine-learning, a callable as scikit-learn's ``SVC`` takes it, and a scikit-learn object.

    A kernel of its own kind says how a matrix is found (:meth:`raw_kernel`); the rest is here. One with other arguments
    than these stores them in ``__init__``, as scikit-learn's objects do. What else it can do, it shows by its methods:
    ``plan`` (:class:`~qiskit_qml_ext.kernels.PlansRuns`), ``circuit`` and ``num_qubits``
    (:class:`~qiskit_qml_ext.kernels.ChangesTarget`).

    Attributes:
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        sampler: A V2 sampler of the user's own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        psd_repair: What is done with a matrix before it is returned: the name of a repair, a
            :class:`~qiskit_qml_ext.kernels.Repair`, a sequence of these, which are applied in order, or ``None`` for
            nothing.
        is_positive_semidefinite: Of the kind of kernel, not of one object: ``True`` if exact matrices always are,
            ``False`` if they need not be, ``None`` if that depends on the feature map or is not known. Shots and noise
            can make any matrix indefinite.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.kernels import QuantumKernel, RawKernel
        >>> class CoherentStates(QuantumKernel):
        ...     def raw_kernel(self, x, y):
        ...         columns = x if y is None else y
        ...         distances = np.sum((x[:, None] - columns[None]) ** 2, axis=-1)
        ...         return RawKernel(np.exp(-distances), errors=None, shots=None, target="exact")
        >>> kernel = CoherentStates(psd_repair="clip")
        >>> kernel.evaluate([[0.0], [1.0]]).round(3).tolist()
        [[1.0, 0.368], [0.368, 1.0]]
        >>> kernel.evaluate_with_errors([[0.0], [1.0]])
        KernelEstimate(2×2, error ≤ 0 [exact])
    """

    runs_samples: ClassVar[bool] = False
    """Whether circuits run for samples and not for pairs, so that a matrix costs no more than its diagonal."""
    is_symmetric: ClassVar[bool] = False
    """Whether k(x, y) and k(y, x) are one number, found once, noise included; False where that is not known."""

    runs_by: ClassVar[str] = SAMPLER
    """Which primitive runs its circuits: ``"sampler"`` or ``"estimator"``."""

    # QML's constructor is not called: it wants a circuit of a fixed width and stores it apart, where set_params and
    # clone would not see a change.
    connection: Connection | None = None
    sampler: BaseSamplerV2 | None = None
    pass_manager: "PassManager | None" = None
    psd_repair: PsdRepair = None
    is_positive_semidefinite: bool | None = None

    def __init__(
        self,
        *,
        connection: Connection | None = None,
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        psd_repair: PsdRepair = None,
    ):
        self.connection = connection
        self.sampler = sampler
        self.pass_manager = pass_manager
        self.psd_repair = psd_repair

    @abstractmethod
    def raw_kernel(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        """Return the matrix before any repair: what a kernel of its own kind says.

        Args:
            x: Checked samples of the rows, shape (n, features).
            y: Checked samples of the columns, shape (m, features); ``None`` means ``x`` again.
        """

    @property
    def entries_are_fractions(self) -> bool:
        """Whether a measured entry k is a fraction of its S shots, so that its variance is k(1-k)/S.

        By this diagnostics count the shots that tell entries apart; they refuse kernels of which it is not true.
        """
        return True

    @property
    def unit_diagonal(self) -> bool:
        """Whether k(x, x) is 1 for every sample, by definition and without anything being run."""
        return False

    @property
    def enforce_psd(self) -> bool:
        """Whether a symmetric matrix is made positive semi-definite."""
        return makes_psd(steps_of(self.psd_repair))

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
        return self._repaired(x_vec, y_vec)[1].matrix

    def evaluate_with_errors(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> KernelEstimate:
        """Compute the kernel matrix with the standard error of each entry; see :meth:`evaluate`."""
        raw, final = self._repaired(x_vec, y_vec)
        return KernelEstimate(
            final.matrix if final is not raw else raw.matrix.copy(),
            raw.standard_errors,
            raw.matrix,
            raw.shots,
            raw.target,
            self._synthesis_error(*check_pair(x_vec, y_vec)),
            outcomes=raw.outcomes,
            applied=final.applied,
            truncation_errors=raw.truncation_errors,
            repaired_errors=None if final is raw else final.standard_errors,
            entry_shots=raw.entry_shots,
            conditions=conditions_of(self),
        )

    def _synthesis_error(self, x: FloatArray, y: FloatArray | None) -> float | None:
        """Return by how much the states that run differ from those that are meant; see :class:`KernelEstimate`."""
        return 0.0

    def diag(self, X: ArrayLike) -> FloatArray:
        """Return k(x, x) of each sample as a matrix has it, before any repair, shape (n,).

        Nothing is run for it where it is 1 by definition. No pair of different samples is run in any case.

        Args:
            X: Samples, shape (n, features).

        Raises:
            ValueError: If the data are not valid.
        """
        samples = check_samples("X", X)
        if self.unit_diagonal:
            return np.ones(len(samples))
        if self.runs_samples:
            return np.diagonal(self._checked_raw(samples, None).matrix).copy()
        try:
            self.check_measures_diagonal()
        except (TypeError, ValueError):  # it is calculated, or nobody knows how to measure it alone
            return np.array([float(self._checked_raw(one[None], None).matrix[0, 0]) for one in samples])
        return self.measured_diagonal(samples)[0]

    def measured_diagonal(self, samples: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return k(x, x) of checked samples as the target gives it, and its standard errors, each of shape (n,).

        Raises:
            TypeError: If this kind of kernel does not say how that is measured.
        """
        raise TypeError(self._no_diagonal())

    def check_measures_diagonal(self) -> None:
        """Refuse, before anything is run, a repair that needs the measured kernel of samples with themselves.

        Raises:
            TypeError: If this kind of kernel does not say how that is measured.
            ValueError: If it does not measure it with these settings.
        """
        if type(self).measured_diagonal is QuantumKernel.measured_diagonal:
            raise TypeError(self._no_diagonal())

    def _no_diagonal(self) -> str:
        return (
            f"A repair needs the measured kernel of samples with themselves, but {type(self).__name__} does not say "
            "how that is measured. Give it a method measured_diagonal(samples), or leave the repair out."
        )

    def _diagonal_for_repairs(self, rows: FloatArray, columns: FloatArray) -> MeasuredDiagonal:
        """Return what a repair gets that needs the measured kernel of samples with themselves."""
        width = getattr(self, "num_qubits", None)
        num_qubits = width(rows.shape[1]) if callable(width) else None
        return MeasuredDiagonal(rows, columns, num_qubits, self.measured_diagonal)

    def _repaired(self, x_vec: ArrayLike, y_vec: ArrayLike | None) -> tuple[RawKernel, RawKernel]:
        """Return the matrix before and after the repairs; the same object if there are none."""
        steps = steps_of(self.psd_repair)
        if needs_diagonal(steps):
            self.check_measures_diagonal()
        x, y = check_pair(x_vec, y_vec)
        raw = self._checked_raw(x, y)
        if not steps:
            return raw, raw
        if needs_diagonal(steps):
            diagonal = self._diagonal_for_repairs(x, x if y is None else y)
            raw = replace(raw, diagonal=replace(diagonal, applied=raw.applied))
        final = repaired(raw, steps, is_symmetric=y is None)
        return raw, final if final is not raw else replace(raw, matrix=raw.matrix.copy())

    def _checked_raw(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        if y is not None and not len(y):  # what a machine without support vectors asks for
            target = next((one.target_name for one in connections_of(self)), "none")
            return RawKernel(np.zeros((len(x), 0)), errors=None, shots=None, target=target)
        raw = self.raw_kernel(x, y)
        if not isinstance(raw, RawKernel):
            raise TypeError(
                f"raw_kernel of {type(self).__name__} must return a RawKernel (matrix, errors, shots, target), but it "
                f"returned a {type(raw).__name__}."
            )
        return raw

    def __call__(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> FloatArray | float:
        """Compute the kernel matrix or one entry, in all forms in which scikit-learn calls a kernel.

        ``SVC``, ``OneClassSVM``, ``KernelPCA``, ``KernelRidge``, ``SpectralClustering``, ``Nystroem`` and
        ``pairwise_kernels`` hand over whole sets of samples: one matrix, one job where circuits run. With ``n_jobs``
        ``pairwise_kernels`` asks for blocks of columns instead, and a repair that needs a whole symmetric matrix is
        left out. Other code calls a kernel for each pair. That is slow, but right, where circuits are simulated here;
        elsewhere it would be a job for each pair and is refused.

        Args:
            x_vec: Samples, shape (n, features), or one sample, shape (features,).
            y_vec: Samples, shape (m, features), or one sample; ``None`` means ``x_vec`` again.

        Returns:
            The matrix of :meth:`evaluate`, shape (n, m); for two one-dimensional samples their entry, a number.

        Raises:
            ValueError: If the data are not valid, or a single pair is asked for where a job may have a price.
        """
        if y_vec is None or not np.ndim(x_vec) == np.ndim(y_vec) == 1:
            return self.evaluate(x_vec, y_vec)
        far = next((one for one in connections_of(self) if not one.target.runs_here), None)
        if far is not None:
            raise ValueError(
                f"This call asks for one pair of samples, which would be one job on {far.target_name!r} for each pair. "
                'Run all pairs as one job: put KernelTransformer(kernel) before a model with kernel="precomputed", '
                "take a model of qiskit_qml_ext.models such as QuantumSVC, or call kernel.evaluate(X, Y) for all "
                "samples at once."
            )
        return float(self.evaluate(x_vec, y_vec)[0, 0])

    @property
    def requires_vector_input(self) -> bool:
        """Not there: what scikit-learn asks of a Gaussian-process kernel first."""
        raise _no_covariance()

    @property
    def theta(self) -> FloatArray:
        """Not there: what scikit-learn asks of each part of a sum or product of Gaussian-process kernels."""
        raise _no_covariance()

    def with_connection(self, connection: Connection | None) -> Self:
        """Return a copy of the kernel whose circuits run through another connection; ``None`` for exact results.

        Raises:
            TypeError: If ``connection`` is none of the kernel's arguments.
        """
        if "connection" not in self._get_param_names():
            raise TypeError(
                f"{type(self).__name__} has no argument connection, so it cannot be run elsewhere. Give it one, or a "
                "method with_connection of its own."
            )
        return self._copy_with(connection=connection, sampler=None, pass_manager=None)

    def exact_copy(self) -> Self:
        """Return a copy of the kernel with exact results and without a repair; see :meth:`with_connection`."""
        return self.with_connection(None)._copy_with(psd_repair=None)

    def _copy_with(self, **settings: object) -> Self:
        """Return a copy that knows what this one learned, with other arguments, those that it has."""
        copy = self._copied(knowing_copy)
        copy._take_over(self)
        own = self._get_param_names()
        return copy.set_params(**{name: value for name, value in settings.items() if name in own})

    def _take_over(self, other: Self) -> None:
        """Take over what another kernel of this kind found in data: nothing here."""

    def __sklearn_clone__(self) -> Self:
        return self._copied(clone)

    def _copied(self, copy_of: Callable[[Any], Any]) -> Self:
        """Return a kernel with the same arguments, copies of those that have settings of their own."""
        # Primitives and connections are shared, not copied: they may stand for paid hardware.
        settings: dict[str, Any] = {
            name: copy_of(value) if isinstance(value, BaseEstimator) else value
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


def _no_covariance() -> AttributeError:
    return AttributeError(
        "A quantum kernel is no Gaussian-process kernel by itself, nor a part of one. Wrap it, in sums and products "
        "too: RBF() + GaussianProcessKernel(kernel), with GaussianProcessKernel of qiskit_qml_ext.models. Or take "
        "QuantumGaussianProcessRegressor or QuantumGaussianProcessClassifier."
    )


def knowing_copy(value: Any) -> Any:
    """Return a clone of an object with settings; of a kernel, one that knows what it learned."""
    return value._copy_with() if isinstance(value, QuantumKernel) else clone(value, safe=False)


# scikit-learn calls a kernel for each pair of samples, unless it is one of its Gaussian-process kernels, which get all
# samples at once (sklearn.metrics.pairwise.pairwise_kernels). Counted among these, ours are one matrix and one job.
Kernel.register(QuantumKernel)


def conditions_of(kernel: QuantumKernel) -> tuple[str, ...]:
    """Return what is on while the circuits of a kernel and of those in it run; see :class:`KernelEstimate`."""
    found = [part._connection().target.conditions(part.runs_by) for part in _parts_of(kernel)]
    return tuple(dict.fromkeys(condition for one in found for condition in one))


def connections_of(kernel: QuantumKernel) -> tuple[Connection, ...]:
    """Return where a kernel and the kernels among its arguments run; without a connection results are exact."""
    return tuple(part._connection() for part in _parts_of(kernel))


def _parts_of(kernel: QuantumKernel) -> list[QuantumKernel]:
    """Return a kernel and the kernels among its arguments."""
    parts: list[object] = [kernel]
    for value in kernel.get_params(deep=True).values():
        parts += value if isinstance(value, (list, tuple)) else [value]
    return [part for part in parts if isinstance(part, QuantumKernel)]
