"""A sampler of exact distributions that runs a PUB with any array of parameters as one batch."""

import warnings
from collections.abc import Callable, Iterable

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import BaseSamplerV2, DataBin, PrimitiveJob, PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers import BitArray, SamplerPubLike
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.arrays import FloatArray, UintArray
from qiskit_qml_ext.checks import check_arguments, checked_seed_or_generator
from qiskit_qml_ext.engine import probabilities, state_memory
from qiskit_qml_ext.engine.memory import check_memory, memory_budget
from qiskit_qml_ext.engine.sampling import sample_outcomes
from qiskit_qml_ext.primitives.measurement import final_readout
from qiskit_qml_ext.primitives.pub_values import SAMPLER_VALUES, checked_pubs
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS
from qiskit_qml_ext.program import lower

# Outcomes are drawn for as many parameter vectors at a time as keep the temporary arrays below this many numbers.
_MAX_NUMBERS = 2**23

Numbers = Callable[[slice], FloatArray]
"""Gives rows, asked for in their order, their random numbers in [0, 1), shape (rows, shots)."""


class ExactSampler(BaseSamplerV2):
    """Shots drawn from exact distributions, a drop-in for Qiskit's ``StatevectorSampler``.

    All parameter vectors of a PUB are simulated in one batch on all cores. Registers of any number, measurements of any
    qubits in any order, and classical bits that nothing is measured into (they read 0) work as in the reference. With
    the same seed the shots differ from the reference's, which starts its generator anew for each parameter vector.

    Args:
        default_shots: The number of shots unless a PUB or a call says else.
        seed: Seed or generator of the shots.
        dtype: ``"complex128"`` or ``"complex64"`` (half the memory and time, errors around 1e-6).
        max_memory: The largest amount of memory for states in bytes; by default a share of what is free.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> from qiskit_qml_ext.primitives import ExactSampler
        >>> circuit = QuantumCircuit(2)
        >>> _ = circuit.x(1)
        >>> circuit.measure_all()
        >>> ExactSampler().run([circuit], shots=5).result()[0].data.meas.get_counts()
        {'10': 5}
    """

    @check_arguments(seed=checked_seed_or_generator)
    def __init__(
        self,
        *,
        default_shots: int = DEFAULT_SHOTS,
        seed: np.random.Generator | int | None = None,
        dtype: str = "complex128",
        max_memory: int | None = None,
    ):
        self._default_shots = default_shots
        self._seed = seed
        self._dtype = dtype
        self._max_memory = max_memory

    @property
    def default_shots(self) -> int:
        """The number of shots unless a PUB or a call says else."""
        return self._default_shots

    @property
    def seed(self) -> np.random.Generator | int | None:
        """Seed or generator of the shots."""
        return self._seed

    def run(
        self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> PrimitiveJob[PrimitiveResult[SamplerPubResult]]:
        """Draw shots.

        Args:
            pubs: PUBs (circuit, parameter values, shots), the last two optional.
            shots: The shots of PUBs that state none.

        Returns:
            A job whose result holds one entry for each PUB, with a ``BitArray`` for each classical register.
        """
        wanted = self._default_shots if shots is None else shots
        coerced = [SamplerPub.coerce(pub, wanted) for pub in checked_pubs(pubs, SAMPLER_VALUES, angles=False)]
        if any(len(pub.circuit.cregs) == 0 for pub in coerced):
            warnings.warn(
                "One of your circuits has no output classical registers and so the result will be empty. "
                "Did you mean to add measurement instructions?",
                UserWarning,
                stacklevel=2,
            )
        job = PrimitiveJob(self._run, coerced)
        job._submit()
        return job

    def _run(self, pubs: list[SamplerPub]) -> PrimitiveResult[SamplerPubResult]:
        return PrimitiveResult([self._run_pub(pub) for pub in pubs], metadata={"version": 2})

    def _run_pub(self, pub: SamplerPub) -> SamplerPubResult:
        readout = final_readout(pub.circuit)
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        outcomes = self._outcomes(pub, values.reshape(pub.parameter_values.size, values.shape[-1]), readout.qubits)
        outcomes = outcomes.reshape(*pub.shape, pub.shots)
        registers = {
            register.name: BitArray(register.pack(outcomes), len(register.sources)) for register in readout.registers
        }
        return SamplerPubResult(
            DataBin(**registers, shape=pub.shape),
            metadata={"shots": pub.shots, "circuit_metadata": pub.circuit.metadata},
        )

    def _outcomes(self, pub: SamplerPub, values: FloatArray, qubits: tuple[int, ...]) -> UintArray:
        """Draw the outcomes of the measured qubits, shape (parameter vectors, shots)."""
        self._check(pub.circuit)
        # the outcomes of all rows, and for one row a random number and two temporaries a shot; then the packed bits
        check_memory(
            8 * pub.shots * (len(values) + 3),
            memory_budget(self._max_memory),
            f"Drawing shots={pub.shots} for {len(values)} parameter vectors",
            "Use fewer shots, or fewer parameter vectors at a time.",
        )
        numbers = self._numbers(pub.shots)
        outcomes = np.zeros((len(values), pub.shots), dtype=np.uint64)
        if not qubits:
            return outcomes
        step = self._rows_at_once(pub.circuit.num_qubits, len(qubits), pub.shots)
        for start in range(0, len(values), step):
            rows = slice(start, min(start + step, len(values)))
            chances = self._probabilities(pub.circuit, values[rows], qubits)
            outcomes[rows] = sample_outcomes(chances, numbers(rows), max_memory=self._max_memory)
        return outcomes

    def _check(self, circuit: QuantumCircuit) -> None:
        """Raise if a circuit cannot be simulated."""
        lower(circuit)

    def _probabilities(self, circuit: QuantumCircuit, values: FloatArray, qubits: tuple[int, ...]) -> FloatArray:
        """Return the probabilities of the measured qubits' outcomes, shape (parameter vectors, outcomes)."""
        return probabilities(lower(circuit), values, qubits=qubits, dtype=self._dtype, max_memory=self._max_memory)

    def _numbers(self, shots: int) -> Numbers:
        rng = np.random.default_rng(self._seed)
        return lambda rows: rng.random((rows.stop - rows.start, shots))

    def _rows_at_once(self, num_qubits: int, measured: int, shots: int) -> int:
        """For how many parameter vectors outcomes are drawn at a time; never changes which."""
        step = max(1, _MAX_NUMBERS // (2**measured + shots))
        if self._max_memory is None:
            return step
        # one row holds its probabilities and two arrays of one number a shot; a state must fit beside it
        room = memory_budget(self._max_memory) // 2 - state_memory(num_qubits, self._dtype)
        return max(1, min(step, room // ((8 << measured) + 16 * shots)))
