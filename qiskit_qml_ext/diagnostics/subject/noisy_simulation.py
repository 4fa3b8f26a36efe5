"""Noise, from all the ways to name it, and expectation values under it."""

import warnings
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from qiskit import QuantumCircuit
from qiskit.providers import BackendV2
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.exceptions import NoiseWithoutEffectWarning, UnsupportedCircuitError, UnsupportedObservableError
from qiskit_qml_ext.primitives.targets import AerTarget, isa_circuit
from qiskit_qml_ext.primitives.targets.aer.noise import acts_on, noise_has_readout_errors, noise_of, without_effect

if TYPE_CHECKING:
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel

Noise: TypeAlias = "NoiseModel | AerSimulator | BackendV2"
"""An Aer noise model (its gates run as they are, others are translated into them), a noisy simulator, or a backend,
whose reported errors are simulated after transpilation at level 1, the level of
:func:`~qiskit_qml_ext.primitives.connect` by default. Gates on which a model has errors are never replaced."""


def noisy_simulator(noise: Noise) -> "tuple[AerSimulator, int]":
    """Return the simulator, and the level of transpilation: 0 for a bare noise model, so that its gates are what runs.

    Raises:
        TypeError: If the noise is of a kind that is not known.
    """
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel

    # circuits side by side instead of threads inside each of many small ones
    if isinstance(noise, NoiseModel):
        return AerSimulator(noise_model=noise, method="density_matrix", max_parallel_experiments=0), 0
    if isinstance(noise, AerSimulator):
        return noise, 1
    if isinstance(noise, BackendV2):
        return AerSimulator.from_backend(noise, method="density_matrix", max_parallel_experiments=0), 1
    raise TypeError(
        f"noise must be an Aer NoiseModel, an AerSimulator or a BackendV2, but a {type(noise).__name__} came."
    )


def noise_in_words(simulator: "AerSimulator", level: int) -> str:
    """Return what reports call the noise."""
    if not level:
        return "noise model on the circuit's own gates"
    return str(simulator.name).removeprefix("aer_simulator_from(").removesuffix(")")


class NoisyLoss:
    """⟨O⟩ under noise as a function of the parameters; errors of the readout are left out.

    Args:
        circuit: The circuit.
        operator: O.
        simulator: The simulator and the level of transpilation, from :func:`noisy_simulator`.
        seed: Seed of the transpiler.

    Raises:
        ValueError: If no error of the noise acts on any gate of the circuit.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        operator: SparsePauliOp,
        simulator: "tuple[AerSimulator, int]",
        *,
        seed: int | None = 0,
    ):
        self._simulator, level = simulator
        self._isa = noisy_circuit(circuit, self._simulator, level, seed)
        self._operator = operator.apply_layout(self._isa.layout) if self._isa.layout is not None else operator
        self._names = tuple(parameter.name for parameter in circuit.parameters)

    @property
    def num_gates(self) -> int:
        """The number of gates after transpilation."""
        return int(self._isa.size())

    def exact(self, values: FloatArray) -> FloatArray:
        """Return ⟨O⟩ from density matrices, without any noise of sampling.

        Args:
            values: Angles in radians, shape (M, number of parameters).
        """
        return self._run(values, {"method": "density_matrix"})

    def trajectories(self, values: FloatArray, number: int, rng: np.random.Generator) -> FloatArray:
        """Return the mean of ⟨O⟩ over random trajectories of state vectors, unbiased, with the noise of so few.

        The noise of different rows and of different calls is independent.

        Args:
            values: Angles in radians, shape (M, number of parameters).
            number: Trajectories for each row.
            rng: Draws the trajectories.
        """
        # Aer counts up from the seed, so that neighbouring seeds share most of their trajectories: draw distant ones
        seed = int(rng.integers(2**31))
        return self._run(values, {"method": "statevector", "shots": number, "seed_simulator": seed})

    def _run(self, values: FloatArray, options: dict[str, object]) -> FloatArray:
        from qiskit_qml_ext.primitives.targets.aer.primitives import AerEstimator

        estimator = AerEstimator.from_backend(
            self._simulator, options={"default_precision": 0.0, "run_options": options}
        )
        left = {parameter.name for parameter in self._isa.parameters}
        columns = [column for column, name in enumerate(self._names) if name in left]
        bindings = {tuple(self._names[column] for column in columns): values[:, columns]} if columns else None
        losses = estimator.run([(self._isa, self._operator, bindings)]).result()[0].data.evs
        return np.broadcast_to(np.asarray(losses, dtype=np.float64), (len(values),)).copy()


def noisy_circuit(
    circuit: QuantumCircuit, simulator: "AerSimulator", level: int, seed: int | None, *, readout: bool = False
) -> QuantumCircuit:
    """Return a circuit in a noisy simulator's gates.

    Args:
        circuit: The circuit.
        simulator: The simulator.
        level: The level of transpilation.
        seed: Seed of the transpiler.
        readout: Whether errors of the readout count as noise that acts.

    Raises:
        ValueError: If the simulator has noise, but none that acts on the circuit.
        UnsupportedCircuitError: If the circuit has more qubits than the device whose noise is simulated.
    """
    _check_width(circuit, simulator, noise_in_words(simulator, level))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoiseWithoutEffectWarning)  # an error below
        isa = isa_circuit(circuit, AerTarget(simulator), level, seed)
    noise = noise_of(simulator)
    if noise is not None and not acts_on(noise, isa) and not (readout and noise_has_readout_errors(noise)):
        raise ValueError(without_effect(noise, isa))
    return isa


def device_qubits(simulator: "AerSimulator") -> int | None:
    """Return the qubits of the device that a simulator stands for; None for one that is no device."""
    couplings = simulator.coupling_map
    return max(max(pair) for pair in couplings) + 1 if couplings else None


def _check_width(circuit: QuantumCircuit, simulator: "AerSimulator", name: str) -> None:
    """Refuse a circuit that is wider than the device."""
    available = device_qubits(simulator)
    if available is not None and circuit.num_qubits > available:
        raise UnsupportedCircuitError(
            f"The circuit has {circuit.num_qubits} qubits, but {name}, whose noise was to be simulated, has "
            f"{available}. "
            "Take the noise of a larger device, a NoiseModel, or fewer qubits."
        )


def pauli_sum(observable: object) -> SparsePauliOp:
    """Return an observable that an estimator can measure, or say that it is not one.

    Raises:
        TypeError: If the observable is a projector or a diagonal.
    """
    if isinstance(observable, (Pauli, SparsePauliOp)):
        return SparsePauliOp(observable)
    raise UnsupportedObservableError(
        f"A noisy estimator measures Pauli sums, but the observable is a {type(observable).__name__}."
    )
