"""The trainable projected kernel: map and bandwidth of a projected kernel, fitted to data by gradient."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseSamplerV2
from sklearn.base import clone

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import truth_value
from qiskit_qml_ext.circuits import FeatureMap, InitialDistribution
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.losses import KernelLoss
from qiskit_qml_ext.kernels.projected import ProjectedKernel
from qiskit_qml_ext.kernels.reduced_states.bandwidth import MEDIAN, checked_gamma, median_bandwidth
from qiskit_qml_ext.kernels.reduced_states.outer_kernels import takes_gamma
from qiskit_qml_ext.kernels.reduced_states.projection_kernel import distances_of_different
from qiskit_qml_ext.kernels.repairs import PsdRepair
from qiskit_qml_ext.kernels.training.pairs import Pairs
from qiskit_qml_ext.kernels.training.projected_pairs import (
    ExactProjectedPairs,
    MeasuredProjectedPairs,
    ProjectedPairs,
)
from qiskit_qml_ext.kernels.training.trained_map import TrainedMap
from qiskit_qml_ext.kernels.training.trained_projection import TrainedProjection
from qiskit_qml_ext.kernels.training.training_run import KernelCallback, KernelTrainingRun
from qiskit_qml_ext.kernels.training.with_trained_map import KernelWithTrainedMap
from qiskit_qml_ext.optimizers import Optimizer, optimizer_of
from qiskit_qml_ext.primitives import Connection

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager
    from sklearn.gaussian_process.kernels import Kernel

_LEARNED = ("feature_map", "training_parameters", "training_values", "gamma")  # whose place what was learned takes


class TrainableProjectedKernel(KernelWithTrainedMap, ProjectedKernel):  # type: ignore[misc]  # fit wants labels
    r"""A projected kernel whose map and whose γ are fitted to data by gradient.

    ``fit(X, y)`` makes a loss of the kernel matrix small, over the weights of the feature map, a bandwidth of its
    features, and γ. Exact gradients take one reverse pass for each sample. On a target with shots every angle is
    shifted by its gate's rule, for samples and not for pairs: about 2 n G circuits a step for n samples and G angles,
    in each of the settings, or two matrices with ``optimizer="spsa"``. A loss of an estimated matrix is biased by its
    noise where it is not linear.

    Models train it, clones begin anew, and :meth:`frozen` keeps what it learned, as with
    :class:`~qiskit_qml_ext.kernels.TrainableKernel`, where the settings of the training stand in more detail. Settings
    that change the circuit or the classical kernel want a new fit.

    What leaves the kernel takes its labels along, and nothing sees it: ``frozen()``, a kernel of ``feature_map_`` or
    with ``gamma_``, and ``kernel.evaluate`` as a function are for samples that the kernel was not trained with. On
    those of the training every score is too good, for random labels too.

    Args:
        feature_map: A template, all of whose weights are trained, or a circuit; ``None`` is ``ZZFeatureMap()``. Weights
            behind all data change no fidelity, but reduced states: they are trained too.
        patches: Which reduced states; see :class:`~qiskit_qml_ext.kernels.ProjectedKernel`.
        outer: The classical kernel. There are no gradients of scikit-learn's, whose own parameters stay as they are:
            these take ``optimizer="spsa"`` or another that asks for values only.
        gamma: The γ with which the training begins: a positive number, or ``"median"`` for one over the median of the
            squared distances of the training samples at the first weights, which no label has a part in.
        trained_gamma: Whether γ is trained, where ``outer`` has one; otherwise it stays as it began.
        debias: Whether what shots add to squares in the mean is taken away.
        loss: ``"alignment"``, ``"likelihood"``, ``"svc"``, ``"svr"``, an object of
            :mod:`qiskit_qml_ext.kernels.losses`, or a callable of your own.
        task: ``"classification"`` or ``"regression"``: what ``y`` is.
        trained_bandwidth: What is trained beside the weights: ``"common"``, one positive factor of all features,
            ``"each"``, one for each feature, or ``None``. They begin at 1, on top of the template's own bandwidth.
        optimizer: A name such as ``"adam"``, ``"spsa"`` or ``"L-BFGS-B"``, or an optimizer.
        initialization: How weights begin: a distribution of :mod:`qiskit_qml_ext.circuits`, its name, or the weights;
            ``None`` takes ``training_values`` if they are given, else uniform angles.
        batch_size: Samples in a batch, at most, each with its share of each class; ``None`` takes all.
        max_iter: The largest number of iterations: passes through the training data.
        early_stopping: Whether samples are put aside to see when to stop, and which point is best.
        validation_fraction: The share that is put aside.
        tol: An improvement of the loss by less counts as none.
        n_iter_no_change: After so many iterations without improvement the training stops.
        callbacks: Functions of a :class:`~qiskit_qml_ext.kernels.KernelTrainingStep`; one that returns ``True`` stops.
        random_state: For initial weights, batches, samples put aside and random optimizers.
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        sampler: A V2 sampler of your own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        psd_repair: What to do with negative eigenvalues; see :class:`~qiskit_qml_ext.kernels.FidelityKernel`. Training
            sees matrices as they are.
        training_parameters: Of a circuit: the parameters that are trained.
        training_values: Their values before any training.

    Attributes:
        weights_: The trained weights, shape (W,).
        bandwidth_: The trained factor of each feature, shape (features,).
        gamma_: The trained γ.
        feature_map_: The circuit with weights and bandwidth fixed, for other kernels and other samples than those of
            the training.
        history_: A frame with a row for each iteration: loss, validation loss, norm of the gradient, seconds, shots.
        n_iter_: The number of iterations.
        stopped_: Why it ended: ``"max_iter"``, ``"no_change"``, ``"callback"``, or by the ``"optimizer"``.
        gradient_: How the gradient was found: ``"adjoint"``, ``"parameter_shift"``, or ``None``.

    References:
        The kernel: Huang et al., arXiv:2011.01938. Training by alignment: Hubregtsen et al., arXiv:2105.02276.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import TrainableProjectedKernel
        >>> X = np.linspace(-1, 1, 12)[:, None]
        >>> kernel = TrainableProjectedKernel(AngleFeatureMap(), max_iter=30, random_state=0).fit(X, X[:, 0] > 0)
        >>> bool(kernel.history_["loss"].iloc[-1] < kernel.history_["loss"].iloc[0]), kernel.evaluate(X).shape
        (True, (12, 12))
    """

    learned: ClassVar[tuple[str, ...]] = (*KernelWithTrainedMap.learned, "_trained_gamma")
    _untrained_kind: ClassVar[str] = "a ProjectedKernel"
    _kept: ClassVar[str] = "The feature map, patches, outer, gamma, trained_gamma"
    _nothing_to_train: ClassVar[str] = (
        "The feature map has no weights, trained_bandwidth=None trains none of its features, and γ is not trained (or "
        "outer has none), so that nothing is left to train. Take trained_bandwidth='common', trained_gamma=True, "
        "another map, or a ProjectedKernel."
    )

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
        patches: str | Sequence[Sequence[int]] = "single",
        outer: "str | Kernel" = "rbf",
        gamma: float | str = MEDIAN,
        trained_gamma: bool = True,
        debias: bool = True,
        loss: str | KernelLoss = "alignment",
        task: str = "classification",
        trained_bandwidth: str | None = "common",
        optimizer: str | Optimizer = "adam",
        initialization: str | InitialDistribution | ArrayLike | None = None,
        batch_size: int | None = None,
        max_iter: int = 100,
        early_stopping: bool = False,
        validation_fraction: float = 0.2,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        callbacks: Sequence[KernelCallback] = (),
        random_state: int | np.random.RandomState | None = None,
        connection: Connection | None = None,
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        psd_repair: PsdRepair = None,
        training_parameters: Sequence[Parameter] = (),
        training_values: Sequence[float] | None = None,
    ):
        self.feature_map = feature_map
        self.patches = patches
        self.outer = outer
        self.gamma = gamma
        self.trained_gamma = trained_gamma
        self.debias = debias
        self.loss = loss
        self.task = task
        self.trained_bandwidth = trained_bandwidth
        self.optimizer = optimizer
        self.initialization = initialization
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.random_state = random_state
        self.connection = connection
        self.sampler = sampler
        self.pass_manager = pass_manager
        self.psd_repair = psd_repair
        self.training_parameters = training_parameters
        self.training_values = training_values

    def frozen(self) -> ProjectedKernel:
        """Return the projected kernel of ``feature_map_`` and ``gamma_``, with the other settings of this one.

        Labels that it was trained with must have no part in the data that a model is tested with or C is chosen by, or
        scores are too good.
        """
        if "feature_map_" not in vars(self):
            raise self._untrained(self._untrained_kind)
        own = ProjectedKernel._get_param_names()
        settings = {name: getattr(self, name) for name in own if name not in _LEARNED}
        gamma = self.gamma_ if takes_gamma(self.outer) else MEDIAN
        return clone(ProjectedKernel(self.feature_map_, gamma=gamma, **settings))

    def raw_kernel(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        """Return the matrix of checked samples before any repair."""
        self._values(self._trained_map(x.shape[1]))  # refuses what was not trained, or for something else
        return super().raw_kernel(x, y)

    def made_with(self, num_features: int) -> object:
        """Return what the distances depend on."""
        weights, bandwidth = self._values(self._trained_map(num_features))
        return super().made_with(num_features), weights.tobytes(), bandwidth.tobytes()

    def _fixed_gamma(self) -> float | None:
        if "_trained_gamma" in vars(self):
            return cast("float | None", vars(self)["_trained_gamma"])
        if self.training_values is None:
            raise self._untrained(self._untrained_kind)
        return super()._fixed_gamma()

    def _rows(self, samples: FloatArray) -> FloatArray:
        trained = self._trained_map(samples.shape[1])
        return trained.rows(samples, *self._values(trained))

    def _trained_map(self, num_features: int) -> TrainedProjection:
        trained, given = super()._trained_map(num_features), checked_gamma(self.gamma)
        has_gamma = takes_gamma(self.outer)
        if given is not None and not has_gamma:
            raise ValueError(f"gamma={given:g} means nothing for outer={self.outer!r}, which has no bandwidth of ours.")
        return TrainedProjection(
            trained.encoding,
            trained.data,
            trained.weights,
            trained.num_bandwidths,
            gamma=(1.0 if given is None else given) if has_gamma else None,
            trains_gamma=truth_value("trained_gamma", self.trained_gamma) and has_gamma,
        )

    def _pairs(self, trained: TrainedMap) -> Pairs:
        self._refuse_counted(trained.encoding)
        connection = self._connection()
        kind = ExactProjectedPairs if connection.is_exact else MeasuredProjectedPairs
        debias = truth_value("debias", self.debias)
        return kind(connection, trained.encoding, self._table(trained.encoding), self.outer, debias=debias)

    @property
    def _without_gradient(self) -> str:
        return f"outer={self.outer!r}"

    def _begin(self, run: KernelTrainingRun, weights: FloatArray) -> None:
        """Take the median of the training samples at the first weights, if γ begins there."""
        trained, pairs = run.whole.trained, run.whole.pairs
        assert isinstance(trained, TrainedProjection), "made by _trained_map"
        assert isinstance(pairs, ProjectedPairs), "made by _pairs"
        rows = trained.rows(run.whole.samples, weights, np.ones(len(trained.data)))
        if getattr(optimizer_of(self.optimizer), "takes_gradients", True):
            pairs.prepared(rows, trained.columns)
        if not takes_gamma(self.outer) or checked_gamma(self.gamma) is not None:
            return
        [compared] = pairs.compared([rows])
        found = median_bandwidth(distances_of_different(compared), None, None)
        run.take_map(replace(trained, gamma=found.gamma))

    def _key(self, trained: TrainedMap) -> object:
        outer = clone(self.outer, safe=False)  # one of scikit-learn's may be changed in place
        return trained.key, self._patches_of(trained.encoding)[0], outer, self.gamma, self.trained_gamma

    def _learned(self, run: KernelTrainingRun, point: FloatArray, pairs: Pairs | None) -> dict[str, Any]:
        return {**super()._learned(run, point, pairs), "_trained_gamma": run.whole.trained.gamma_at(point)}
