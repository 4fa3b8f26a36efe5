"""Local and multi-scale quantum kernels: overlaps of the states of few qubits, averaged over patches and scales."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseSamplerV2

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import truth_value, wrong_value
from qiskit_qml_ext.checks.values import real_numbers
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.kernels.blocks import check_matrix
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.methods import CircuitMethod, Fidelities, choose_method
from qiskit_qml_ext.kernels.plan import spread_in_words
from qiskit_qml_ext.kernels.reduced_states.comparison import Comparison
from qiskit_qml_ext.kernels.reduced_states.patches import Patch, scales_of
from qiskit_qml_ext.kernels.reduced_states.reduced_state_kernel import ReducedStateKernel
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import check_pair
from qiskit_qml_ext.primitives import Connection, RunPlan
from qiskit_qml_ext.primitives.approximation import used_qubits

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager

_ARRAYS = 10  # of the shape of the matrix at a time


@dataclass(frozen=True, eq=False)
class _Parts:
    """What a multi-scale kernel is the sum of."""

    local: dict[Patch, float]
    """The weight of each patch of some of the qubits."""
    whole: float
    """The weight of all qubits together."""


class LocalKernel(ReducedStateKernel):
    r"""Overlaps of the states of few qubits, Σ_s w_s · mean_p Tr ρ_p(x)ρ_p(y) over the patches p of each scale s.

    With ``normalize=True`` each entry is divided by the root of the two diagonal ones. The matrix of exact states is
    positive semi-definite, normalised or not; without normalising, its diagonal has the purities of the reduced states.

    Patches of some of the qubits are measured as a :class:`~qiskit_qml_ext.kernels.ProjectedKernel` measures them: 3ᵏ
    settings for each sample where the patches of k qubits do not overlap (at most 4 qubits), shared with all kernels
    that measure the same. A patch of all qubits is the fidelity kernel, found from states or by the inversion test: a
    circuit for each pair of samples, and 1 for a sample with itself. With shots, entries are unbiased before they are
    normalised (those of a sample with itself are made of different shots); normalising leaves a bias of the order of
    one over the shots.

    Args:
        feature_map: A template or a circuit; ``None`` is ``ZZFeatureMap()``. A circuit's parameters take the features
            in the order of ``circuit.parameters``.
        patches: One scale or a list of scales. A scale is a word (``"single"``, ``"disjoint_pairs"``,
            ``"neighbour_pairs"``, ``"all_pairs"``, ``"all"`` for all qubits together) or a list of sets of the
            circuit's qubits. The default is that of the authors: disjoint neighbouring pairs (of an odd number of
            qubits the last one is in none), and all qubits.
        weights: The weight of each scale, not negative; only their ratios count. ``None`` for equal ones.
        normalize: Whether the diagonal is made 1.
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        sampler: A V2 sampler of your own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        training_parameters: Parameters of a feature-map circuit that are not data.
        training_values: Their values; :meth:`assign_training_parameters` sets them.
        psd_repair: What to do with negative eigenvalues of a symmetric matrix; see
            :class:`~qiskit_qml_ext.kernels.FidelityKernel`.

    References:
        Zendejas-Morales, Saikia and Singh, arXiv:2602.16097: of the paper the abstract was read; the definition is that
        of its authors' code.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import LocalKernel
        >>> kernel = LocalKernel(AngleFeatureMap(), patches="single")
        >>> kernel.evaluate([[0.0, 0.0], [np.pi, np.pi / 2]]).round(6).tolist()
        [[1.0, 0.25], [0.25, 1.0]]
    """

    is_positive_semidefinite: bool | None = True

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
        patches: str | Sequence[object] = ("disjoint_pairs", "all"),
        weights: Sequence[float] | None = None,
        normalize: bool = True,
        connection: Connection | None = None,
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        psd_repair: str | Repair | None = None,
        training_parameters: Sequence[Parameter] = (),
        training_values: Sequence[float] | None = None,
    ):
        self.feature_map = feature_map
        self.patches = patches
        self.weights = weights
        self.normalize = normalize
        self.connection = connection
        self.sampler = sampler
        self.pass_manager = pass_manager
        self.psd_repair = psd_repair
        self.training_parameters = training_parameters
        self.training_values = training_values

    def measured_patches(self, used: list[int]) -> tuple[Patch, ...]:
        """Return the patches whose states are measured: those of some of the qubits."""
        return tuple(self._parts(used).local)

    def raw_kernel(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        """Return the matrix of checked samples before any repair."""
        normalize = truth_value("normalize", self.normalize)
        connection, encoding = self._connection(), self._encoding(x.shape[1])
        parts = self._parts(used_qubits(encoding.unitary))
        self._refuse_passed(encoding, parts.local)
        check_matrix((len(x), len(x if y is None else y)), _ARRAYS, connection.max_memory)
        local = self._local(x, y, parts) if parts.local else None
        whole = self._whole(x, y) if parts.whole else None
        if local is None:
            assert whole is not None, "a kernel has patches"
            return whole
        matrix, variances = _normalized(local, whole, parts.whole) if normalize else _summed(local, whole, parts.whole)
        shots = local.projections.shots
        return RawKernel(
            matrix,
            None if variances is None else np.sqrt(variances),
            None if shots is None else int(shots.min()),
            connection.target_name,
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
        """Say what the patches and the pairs of samples will take, without running it; see :class:`ProjectedKernel`."""
        x, y = check_pair(x_vec, y_vec)
        connection, encoding = self._connection(), self._encoding(x.shape[1])
        parts, plans = self._parts(used_qubits(encoding.unitary)), []
        self._refuse_passed(encoding, parts.local)
        if parts.local or connection.is_exact:
            plans.append(super().plan(x, y, shots=shots, price_per_minute=price_per_minute, entries=entries))
        method = choose_method("auto", connection, encoding).method
        if parts.whole and isinstance(method, CircuitMethod):
            wanted = Fidelities(connection, encoding, x, y)
            plan = method.plan(wanted, shots=shots, price_per_minute=price_per_minute)
            plans.append(plan if entries is None else plan.with_advice(spread_in_words(entries[1])))
        return plans[0] if len(plans) == 1 else _together(*plans)

    def _parts(self, qubits: list[int]) -> _Parts:
        scales = scales_of(self.patches, qubits)
        local: dict[Patch, float] = {}
        whole = 0.0
        for patches, weight in zip(scales, self._scale_weights(len(scales)), strict=True):
            for patch in patches if weight else ():
                if len(patch) == len(qubits):
                    whole += weight / len(patches)
                else:
                    local[patch] = local.get(patch, 0.0) + weight / len(patches)
        return _Parts(local, whole)

    def _scale_weights(self, number: int) -> list[float]:
        if self.weights is None:
            return [1 / number] * number
        weights = real_numbers("weights", self.weights)
        if len(weights) != number:
            raise ValueError(f"weights must have one number for each of the {number} scales, but {len(weights)} came.")
        if min(weights) < 0 or not sum(weights) > 0:
            raise wrong_value("weights", "numbers from 0, not all 0", list(weights))
        return [weight / sum(weights) for weight in weights]

    def _local(self, x: FloatArray, y: FloatArray | None, parts: _Parts) -> Comparison:
        projections, rows, columns = self._projections(x, y)
        table = self._table(self._encoding(x.shape[1]))
        patch_weights = list(parts.local.values())
        return Comparison(
            projections, rows, columns, table.weights(patch_weights), table.identity_weight(patch_weights)
        )

    def _whole(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        wanted = Fidelities(self._connection(), self._encoding(x.shape[1]), x, y)
        return choose_method("auto", wanted.connection, wanted.encoding).method.estimate(wanted)


def _summed(local: Comparison, whole: RawKernel | None, weight: float) -> tuple[FloatArray, FloatArray | None]:
    """Return Σ w Tr ρρ' and its variances."""
    products = local.inner_products()
    if whole is None:
        return products.values, products.variances
    variances = products.variances
    if variances is not None:
        variances = variances + (weight * whole.standard_errors) ** 2
    return products.values + weight * whole.matrix, variances


def _normalized(local: Comparison, whole: RawKernel | None, weight: float) -> tuple[FloatArray, FloatArray | None]:
    r"""Return R_ij = K_ij/√(K_ii K_jj) and its variances.

    To first order R_ij changes with the estimates f_i of sample i as (f_j/√(K_ii K_jj) - R_ij f_i/K_ii)·δf_i, and alike
    for j; estimates in place of the exact values make the variance larger by its second order, which is meant.

    Raises:
        ValueError: If an estimated purity is not positive.
    """
    values, _ = _summed(local, whole, weight)
    rows, columns = (own + weight for own in local.purities())
    if min(rows.min(initial=np.inf), columns.min(initial=np.inf)) <= 0:
        raise ValueError(
            "The estimated purity of a sample's patches is not positive, so its entries cannot be normalised. Take "
            "more shots, or normalize=False."
        )
    scale = np.sqrt(np.outer(rows, columns))
    values = values / scale
    values[local.same] = 1.0
    forms = local.forms
    if forms is None:
        return values, None
    of_rows, of_columns = values / rows[:, None], values / columns
    variances = forms.other_row / scale**2 - 2 * of_rows * forms.mixed_row / scale + of_rows**2 * forms.own_row
    variances += forms.other_column / scale**2 - 2 * of_columns * forms.mixed_column / scale
    variances += of_columns**2 * forms.own_column
    variances = np.maximum(variances, forms.overlap / scale**2)
    if whole is not None:
        variances += (weight * whole.standard_errors / scale) ** 2
    variances[local.same] = 0.0
    return values, local.balanced(variances)


def _together(first: RunPlan, second: RunPlan) -> RunPlan:
    """Return the plan of two pieces of work on one target."""
    free = [one.error_free for one in (first, second) if one.error_free is not None]
    return replace(
        first,
        circuits=first.circuits + second.circuits,
        shots=max(first.shots, second.shots),
        executions=first.executions + second.executions,
        jobs=first.jobs + second.jobs,
        in_journal=first.in_journal + second.in_journal,
        two_qubit_gates=max(first.two_qubit_gates, second.two_qubit_gates),
        depth=max(first.depth, second.depth),
        seconds=None if first.seconds is None or second.seconds is None else first.seconds + second.seconds,
        cost=None if first.cost is None or second.cost is None else first.cost + second.cost,
        standard_error=max(first.standard_error, second.standard_error),
        error_free=min(free, default=None),
        advice=tuple(dict.fromkeys((*first.advice, *second.advice))),
    )
