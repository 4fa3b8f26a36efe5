"""The trainable kernel: a fidelity kernel whose map is fitted to data by gradient."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseSamplerV2
from sklearn.base import clone

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.circuits import FeatureMap, InitialDistribution
from qiskit_qml_ext.kernels.fidelity import FidelityKernel
from qiskit_qml_ext.kernels.losses import KernelLoss
from qiskit_qml_ext.kernels.methods import Fidelities, choose_method
from qiskit_qml_ext.kernels.methods.exact import ExactStates
from qiskit_qml_ext.kernels.methods.inversion_test import InversionTestCounts
from qiskit_qml_ext.kernels.readings import Reading
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.training.counted_pairs import CountedPairs
from qiskit_qml_ext.kernels.training.estimated_pairs import EstimatedPairs
from qiskit_qml_ext.kernels.training.exact_pairs import ExactPairs
from qiskit_qml_ext.kernels.training.pairs import Pairs
from qiskit_qml_ext.kernels.training.trained_map import TrainedMap
from qiskit_qml_ext.kernels.training.training_run import KernelCallback
from qiskit_qml_ext.kernels.training.with_trained_map import KernelWithTrainedMap
from qiskit_qml_ext.optimizers import Optimizer
from qiskit_qml_ext.primitives import Connection

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager

_MAP = ("feature_map", "training_parameters", "training_values")  # of which what was learned takes the place


class TrainableKernel(KernelWithTrainedMap, FidelityKernel):
    r"""A fidelity kernel whose weights and bandwidth are fitted to data by gradient.

    ``fit(X, y)`` makes a loss of the kernel matrix small. Exact gradients take one reverse pass for each sample. On a
    target with shots every angle is shifted by its gate's rule, in one job for all pairs after that of the matrix:
    about 2 n² G circuits a step for n samples and G angles. Smaller batches, or ``optimizer="spsa"`` with n² circuits a
    step, take less. A loss of an estimated matrix is biased by its noise where it is not linear.

    A model such as ``QuantumSVC(TrainableKernel())`` trains a clone of it on its own training samples, whether it was
    trained before or not, so that in a cross-validation no kernel has seen the labels that it is tested with, and
    ``GridSearchCV`` can look for the best ``kernel__optimizer`` or ``kernel__max_iter``. Trained by itself it is a
    kernel like any other; its clones begin anew, pickled copies do not, and :meth:`frozen` is what it learned as a
    kernel that stays so: that is trained with labels of other data. Settings that change the circuit want a new fit.

    **What leaves the kernel takes its labels along.** Models train a ``TrainableKernel`` anew, but not ``frozen()``,
    nor a kernel of ``feature_map_`` (``FidelityKernel(kernel.feature_map_)``), nor its method as a function
    (``SVC(kernel=kernel.evaluate)``, as with qiskit-machine-learning), nor a matrix that it made. Nothing sees it when
    these meet the samples of the training again: every score of a cross-validation, and every one that C is chosen by,
    is then too good, for random labels too. They are for samples that the kernel was not trained with.

    One circuit with all parameters free serves all steps and all matrices. Weights behind all data change no fidelity:
    their gradient is 0, and no circuit is shifted for them.

    Args:
        feature_map: A template, all of whose weights are trained, or a circuit; ``None`` is ``ZZFeatureMap()``. A
            circuit's parameters take the features in the order of ``circuit.parameters``, but for those that are
            trained.
        loss: ``"alignment"``, ``"likelihood"``, ``"svc"`` (classification), ``"svr"`` (regression), an object of
            :mod:`qiskit_qml_ext.kernels.losses`, or a callable of your own ``loss(matrix, targets)`` like
            :class:`~qiskit_qml_ext.kernels.losses.KernelLoss`.
        task: ``"classification"`` or ``"regression"``: what ``y`` is.
        trained_bandwidth: What is trained beside the weights: ``"common"``, one positive factor of all features,
            ``"each"``, one for each feature, or ``None``. They begin at 1, on top of the template's own bandwidth.
        optimizer: A name such as ``"adam"``, ``"spsa"`` or ``"L-BFGS-B"``, or an optimizer; see
            :func:`~qiskit_qml_ext.optimizers.optimizer_of`.
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
        method: How fidelities are found; see :class:`~qiskit_qml_ext.kernels.FidelityKernel`.
        sampler: A V2 sampler of your own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        run_diagonal: Whether a sample against itself is measured too, instead of being set to 1; not while training.
        psd_repair: What to do with negative eigenvalues; see :class:`~qiskit_qml_ext.kernels.FidelityKernel`. Training
            sees matrices as they are.
        training_parameters: Of a circuit: the parameters that are trained.
        training_values: Their values before any training, for qiskit-machine-learning's ``QuantumKernelTrainer``.

    Attributes:
        weights_: The trained weights, shape (W,).
        bandwidth_: The trained factor of each feature, shape (features,).
        feature_map_: The circuit with both fixed, for other kernels and other samples than those of the training.
        history_: A frame with a row for each iteration: loss, validation loss, norm of the gradient, seconds, shots.
        n_iter_: The number of iterations.
        stopped_: Why it ended: ``"max_iter"``, ``"no_change"``, ``"callback"``, or by the ``"optimizer"``.
        gradient_: How the gradient was found: ``"adjoint"``, ``"parameter_shift"``, or ``None``.

    References:
        Hubregtsen et al., arXiv:2105.02276; Glick et al., arXiv:2105.03406; bandwidth: Shaydulin and Wild,
        arXiv:2111.05451.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import TrainableKernel
        >>> X = np.linspace(-1, 1, 12)[:, None]
        >>> kernel = TrainableKernel(AngleFeatureMap(), max_iter=30, random_state=0).fit(X, X[:, 0] > 0)
        >>> bool(kernel.history_["loss"].iloc[-1] < kernel.history_["loss"].iloc[0]), kernel.evaluate(X).shape
        (True, (12, 12))
    """

    _untrained_kind: ClassVar[str] = "a FidelityKernel"
    _nothing_to_train: ClassVar[str] = (
        "The feature map has no weights before its last data, and trained_bandwidth=None trains none, so that nothing "
        "is left to train. Take trained_bandwidth='common', another map, or a FidelityKernel."
    )

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
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
        method: str = "auto",
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        run_diagonal: bool = False,
        psd_repair: str | Repair | None = None,
        training_parameters: Sequence[Parameter] = (),
        training_values: Sequence[float] | None = None,
    ):
        super().__init__(
            feature_map,
            connection=connection,
            method=method,
            sampler=sampler,
            pass_manager=pass_manager,
            run_diagonal=run_diagonal,
            psd_repair=psd_repair,
            training_parameters=training_parameters,
            training_values=training_values,
        )
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

    @property
    def _without_gradient(self) -> str:
        return f"method={self.method!r}"

    def _wanted(self, x: FloatArray, y: FloatArray | None, reading: Reading) -> Fidelities:
        trained = self._trained_map(x.shape[1])
        weights, bandwidth = self._values(trained)
        rows = None if y is None else trained.rows(y, weights, bandwidth)
        return replace(super()._wanted(x, y, reading), x=trained.rows(x, weights, bandwidth), y=rows)

    def _pairs(self, trained: TrainedMap) -> Pairs:
        connection = self._connection(draws=self._asks_for_circuits())
        method = choose_method(self.method, connection, trained.encoding).method
        if isinstance(method, ExactStates):
            return ExactPairs(connection, trained.encoding)
        if isinstance(method, InversionTestCounts):
            return CountedPairs(connection, trained.encoding)
        return EstimatedPairs(connection, trained.encoding, method)

    def frozen(self) -> FidelityKernel:
        """Return the fidelity kernel of ``feature_map_``, with the other settings of this one.

        Labels that it was trained with must have no part in the data that a model is tested with or C is chosen by, or
        scores are too good.
        """
        if "feature_map_" not in vars(self):
            raise self._untrained(self._untrained_kind)
        own = FidelityKernel._get_param_names()
        settings = {name: getattr(self, name) for name in own if name in self._get_param_names() and name not in _MAP}
        return clone(FidelityKernel(self.feature_map_, **settings))
