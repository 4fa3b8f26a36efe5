"""An exact estimator that runs a PUB with any array of parameters as one batch."""

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers import EstimatorPubLike
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import SparseObservable, SparsePauliOp

from qiskit_qml_ext.arrays import ComplexArray, FloatArray, IndexArray
from qiskit_qml_ext.checks import check_arguments, checked_seed_or_generator
from qiskit_qml_ext.engine import expectations
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives.measurement import has_measurements
from qiskit_qml_ext.primitives.pub_values import ESTIMATOR_VALUES, checked_pubs
from qiskit_qml_ext.program import lower

# Computing all pairs of parameters and observables may waste up to this factor before it pays to go one by one.
_MAX_WASTE = 4


class ExactEstimator(BaseEstimatorV2):
    """Expectation values from exact states, a drop-in for Qiskit's ``StatevectorEstimator``.

    All parameter vectors of a PUB are simulated in one batch on all cores. Observables may have factors beyond Pauli
    matrices (the projectors ``0``, ``1``, ``+``, ``-``, ``r``, ``l``), which Qiskit's reference refuses. When a
    precision is asked for, normal noise of that standard deviation is added, for the same seed the same that the
    reference adds, and ``stds`` holds the precision (the reference leaves 0 there).

    Args:
        default_precision: The standard deviation of the noise unless a PUB or a call says else; 0 is exact.
        seed: Seed or generator of the noise.
        dtype: ``"complex128"`` or ``"complex64"`` (half the memory and time, errors around 1e-6).
        max_memory: The largest amount of memory for states in bytes; by default a share of what is free.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> from qiskit.circuit import Parameter
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> from qiskit_qml_ext.primitives import ExactEstimator
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.ry(Parameter("a"), 0)
        >>> job = ExactEstimator().run([(circuit, SparsePauliOp("Z"), [[0.0], [3.141592653589793]])])
        >>> job.result()[0].data.evs.round(12).tolist()
        [1.0, -1.0]
    """

    @check_arguments(seed=checked_seed_or_generator)
    def __init__(
        self,
        *,
        default_precision: float = 0.0,
        seed: np.random.Generator | int | None = None,
        dtype: str = "complex128",
        max_memory: int | None = None,
    ):
        self._default_precision = default_precision
        self._seed = seed
        self._dtype = dtype
        self._max_memory = max_memory

    @property
    def default_precision(self) -> float:
        """The standard deviation of the noise unless a PUB or a call says else."""
        return self._default_precision

    @property
    def seed(self) -> np.random.Generator | int | None:
        """Seed or generator of the noise."""
        return self._seed

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Estimate expectation values.

        Args:
            pubs: PUBs (circuit, observables, parameter values, precision), the last two optional.
            precision: The precision of PUBs that state none.

        Returns:
            A job whose result holds one entry for each PUB, with ``data.evs`` and ``data.stds`` of the shape to which
            observables and parameter values broadcast.
        """
        wanted = self._default_precision if precision is None else precision
        given = checked_pubs(pubs, ESTIMATOR_VALUES, angles=False)
        coerced = [EstimatorPub.coerce(pub, wanted) for pub in given]
        job = PrimitiveJob(self._run, coerced)
        job._submit()
        return job

    def _run(self, pubs: list[EstimatorPub]) -> PrimitiveResult[PubResult]:
        return PrimitiveResult([self._run_pub(pub) for pub in pubs], metadata={"version": 2})

    def _run_pub(self, pub: EstimatorPub) -> PubResult:
        _refuse_measurements(pub)
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        shape = values.shape[:-1]
        rows, columns = np.broadcast_arrays(
            np.arange(int(np.prod(shape))).reshape(shape),
            np.arange(pub.observables.size).reshape(pub.observables.shape),
        )
        operators = [sparse_pauli_op(terms) for terms in pub.observables.ravel().tolist()]
        exact = self._expectations(
            pub, values.reshape(pub.parameter_values.size, values.shape[-1]), operators, rows, columns
        )
        evs, precision = np.real_if_close(exact), pub.precision
        if precision != 0:
            if np.iscomplexobj(evs):
                raise ValueError("Given operator is not Hermitian and noise cannot be added.")
            evs = np.asarray(np.random.default_rng(self._seed).normal(evs, precision))
        data = DataBin(evs=_real(evs), stds=np.full(evs.shape, float(precision)), shape=evs.shape)
        return PubResult(data, metadata={"target_precision": precision, "circuit_metadata": pub.circuit.metadata})

    def _expectations(
        self,
        pub: EstimatorPub,
        values: FloatArray,
        operators: list[SparsePauliOp],
        rows: IndexArray,
        columns: IndexArray,
    ) -> FloatArray | ComplexArray:
        """Return ⟨operators[columns]⟩ at values[rows], in the shape of ``rows``."""
        program = lower(pub.circuit)
        evaluate = partial(expectations, program, dtype=self._dtype, max_memory=self._max_memory)
        if len(values) * len(operators) <= _MAX_WASTE * rows.size:
            table = evaluate(values, operators)
            return table[rows, columns]
        result = np.zeros(rows.shape, dtype=complex)
        for column, operator in enumerate(operators):
            here = columns == column
            result[here] = evaluate(values[rows[here]], [operator])[:, 0]
        return result


def sparse_pauli_op(terms: Mapping[str, float]) -> SparsePauliOp:
    """Return an observable of a PUB, a map from labels to coefficients, as a sum of Pauli strings."""
    if all(set(label) <= set("IXYZ") for label in terms):
        return SparsePauliOp(list(terms), list(terms.values()))
    return SparsePauliOp.from_sparse_observable(SparseObservable.from_list(list(terms.items())).as_paulis())


def _refuse_measurements(pub: EstimatorPub) -> None:
    if has_measurements(pub.circuit):
        raise UnsupportedCircuitError(
            "The circuit of an estimator PUB has measurements. Remove them (remove_final_measurements): the "
            "observables say what is measured."
        )


def _real(evs: FloatArray | ComplexArray) -> FloatArray:
    if np.iscomplexobj(evs):
        raise ValueError(
            "An observable has complex coefficients and a complex expectation value. Estimate its Hermitian and "
            "anti-Hermitian parts apart, or call qiskit_qml_ext.engine.expectations."
        )
    return np.asarray(evs, dtype=np.float64)
