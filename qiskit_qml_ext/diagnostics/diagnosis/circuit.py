"""The diagnosis of circuits: will an ansatz, a circuit or a network train?"""

from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, SparsePauliOp
from sklearn.base import clone

from qiskit_qml_ext.circuits import Ansatz, InitialDistribution
from qiskit_qml_ext.diagnostics.descriptors.entanglement import entangling_capability
from qiskit_qml_ext.diagnostics.descriptors.expressibility import expressibility
from qiskit_qml_ext.diagnostics.diagnosis.circuit_findings import (
    is_constant,
    read_causes,
    read_gradient,
    read_moments,
    read_noise,
    read_scaling,
)
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.moments.chain_moments import chain_second_moment
from qiskit_qml_ext.diagnostics.moments.moment_bounds import second_moment_bounds
from qiskit_qml_ext.diagnostics.moments.second_moments import SecondMoments, second_moments
from qiskit_qml_ext.diagnostics.results.result import counted
from qiskit_qml_ext.diagnostics.subject.network import Network
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import Noise, device_qubits, noisy_simulator
from qiskit_qml_ext.diagnostics.subject.problem import (
    ObservableFamily,
    Parameters,
    build_circuit,
    build_observable,
    is_family,
    pose,
)
from qiskit_qml_ext.diagnostics.trainability.causes import PlateauCauses, plateau_causes
from qiskit_qml_ext.diagnostics.trainability.gradient_variance import GradientVariance, Method, gradient_variance
from qiskit_qml_ext.diagnostics.trainability.initializations import InitializationComparison, compare_initializations
from qiskit_qml_ext.diagnostics.trainability.noise_plateau import NoiseInducedPlateau, noise_induced_plateau
from qiskit_qml_ext.diagnostics.trainability.scaling_study import Depth, ScalingStudy, scaling_study, seeds_of_widths
from qiskit_qml_ext.engine.pauli.propagation import PauliPropagation
from qiskit_qml_ext.exceptions import QmlExtError

_MAX_STATE_QUBITS = 12  # hundreds of states of more qubits take too long for a first look
_MAX_FEW_STATES = 16  # a few dozen states are still feasible where nothing else applies
_MAX_NOISY_QUBITS = 8  # density matrices of more qubits take seconds each
_NOISE_STUDY_QUBITS = 6  # five depths of so many qubits with noise take seconds
_FEW_STRINGS = 20_000  # Pauli strings that hundreds of samples pass through in seconds
_WIDE = (16, 23, 32, 45, 64)  # widths beyond states; of both parities, since some circuits treat them differently


def at_depth(ansatz: Ansatz | QuantumCircuit, depths: Depth, width: int) -> Ansatz | QuantumCircuit:
    """Return a template with the number of layers that belongs to a width; a circuit is what it is."""
    if depths is None or not isinstance(ansatz, Ansatz):
        return ansatz
    return clone(ansatz).set_params(reps=depths(width) if callable(depths) else depths)


def diagnose_ansatz(
    ansatz: Ansatz | QuantumCircuit,
    observable: ObservableFamily,
    width: int,
    depths: Depth,
    noise: "Noise | None",
    draft: Draft,
    num_samples: int,
    seed: int | None,
) -> str:
    """Fill a draft with what concerns an ansatz or a circuit, and return the title."""
    here = at_depth(ansatz, depths, width)
    moments = None
    widths, seeds = _studied_widths(ansatz, observable, width, depths), {}
    if widths:
        # the same points at this width in every stage, so that every stage has the same numbers
        seeds = dict(zip(widths, seeds_of_widths(seed, widths), strict=True))
    here_seed = seeds.get(width, seed)
    if width > _MAX_STATE_QUBITS:
        draft.skipped.append(
            f"Causes, initial angles and descriptors: {width} qubits are more than {_MAX_STATE_QUBITS}."
        )
        moments = draft.run(
            "Second moments by Pauli walks", lambda: second_moments(here, observable, num_qubits=width, seed=seed)
        )
        if isinstance(moments, SecondMoments):
            read_moments(
                moments,
                draft,
                lambda: chain_second_moment(here, observable, num_qubits=width),
                lambda: second_moment_bounds(here, observable, num_qubits=width, max_strings=_FEW_STRINGS),
            )
    if moments is None:
        few = _MAX_STATE_QUBITS < width <= _MAX_FEW_STATES
        points = min(num_samples, 40) if few else num_samples
        # beyond what a few states take, only Pauli strings are left
        method: Method = "propagation" if width > _MAX_FEW_STATES else "auto"
        now = draft.run(
            f"Gradient at {counted(width, 'qubit')}",
            lambda: gradient_variance(
                here, observable, num_qubits=width, num_samples=points, method=method, seed=here_seed
            ),
        )
        if isinstance(now, GradientVariance):
            read_gradient(now, draft, lambda: pose(here, observable, num_qubits=width))
    if widths:
        study = draft.run(
            "Scaling with the number of qubits",
            lambda: scaling_study(
                ansatz,
                observable,
                qubits=widths,
                depths=depths,
                num_samples=num_samples,
                target_qubits=2 * width,
                seed=seed,
            ),
        )
        if isinstance(study, ScalingStudy):
            read_scaling(study, draft)
    noise = _possible_noise(noise, observable, width, draft)
    if width <= _MAX_STATE_QUBITS:
        _further_stages(here, observable, width, noise, draft, num_samples, here_seed)
    if noise is not None and isinstance(ansatz, Ansatz) and "reps" not in ansatz.get_params():
        draft.skipped.append("Noise: the template has no setting reps, so its depth cannot grow.")
    elif noise is not None and isinstance(ansatz, Ansatz) and not is_constant(draft):
        narrow = min(width, _NOISE_STUDY_QUBITS, device_qubits(noisy_simulator(noise)[0]) or width)
        damped = draft.run(
            "Noise", lambda: noise_induced_plateau(ansatz, observable, noise, num_qubits=narrow, seed=seed)
        )
        if isinstance(damped, NoiseInducedPlateau):
            read_noise(damped, draft, width)
    circuit = build_circuit(here, width)
    name = type(ansatz).__name__ if isinstance(ansatz, Ansatz) else "This circuit"
    size = f"{counted(width, 'qubit')} with {counted(circuit.num_parameters, 'parameter')}"
    return f"Is it trainable? {name} on {size}"


def diagnose_network(
    name: str, network: Network, noise: "Noise | None", draft: Draft, num_samples: int, seed: int | None
) -> str:
    """Fill a draft with what concerns a network, whose inputs are rows of the data, and return the title."""
    circuit, observable = network.circuit, network.observable
    width = int(circuit.num_qubits)
    if network.note:
        draft.skipped.append(network.note)
    found = draft.run(
        f"Gradient by the weights at {counted(width, 'qubit')}",
        lambda: gradient_variance(
            circuit,
            observable,
            distribution=network.distribution,
            parameters=network.weights,
            num_samples=num_samples,
            seed=seed,
        ),
    )
    if isinstance(found, GradientVariance):
        read_gradient(
            found,
            draft,
            lambda: pose(circuit, observable, distribution=network.distribution, parameters=network.weights),
        )
    noise = _possible_noise(noise, observable, width, draft)
    if width <= _MAX_STATE_QUBITS:
        _look_for_causes(
            circuit, observable, width, noise, draft, num_samples, seed, network.distribution, network.weights
        )
    draft.advise(
        "diagnose_ansatz",
        "A network of one width cannot tell how its gradient scales with the number of qubits: diagnose its ansatz "
        "too.",
    )
    return f"Is it trainable? {name} on {counted(width, 'qubit')} with {counted(len(network.weights), 'weight')}"


def _possible_noise(noise: "Noise | None", observable: ObservableFamily, width: int, draft: Draft) -> "Noise | None":
    """The noise if it can be simulated for this observable; else None, with the reason in the draft."""
    if noise is None or isinstance(build_observable(observable, width), (Pauli, SparsePauliOp)):
        return noise
    draft.skipped.append("Noise: it is simulated for Pauli sums only, and the observable is none.")
    return None


def _look_for_causes(
    circuit: Ansatz | QuantumCircuit,
    observable: ObservableFamily,
    width: int,
    noise: "Noise | None",
    draft: Draft,
    num_samples: int,
    seed: int | None,
    distribution: InitialDistribution | None = None,
    parameters: Parameters = "all",
) -> None:
    if is_constant(draft):
        draft.skipped.append("Causes, initial angles and noise: no parameter changes the loss.")
        return
    device = None if noise is None else device_qubits(noisy_simulator(noise)[0])
    if device is not None and width > device:
        draft.skipped.append(f"Noise as a cause: the circuit has {width} qubits, the device {device}.")
        noise = None
    if noise is not None and width > _MAX_NOISY_QUBITS:
        draft.skipped.append(f"Noise as a cause: {width} qubits with noise take too long for a first look.")
        noise = None
    causes = draft.run(
        "What holds the gradient down",
        lambda: plateau_causes(
            circuit,
            observable,
            num_qubits=width,
            distribution=distribution,
            noise=noise,
            parameters=parameters,
            num_samples=num_samples,
            seed=seed,
        ),
    )
    if isinstance(causes, PlateauCauses):
        read_causes(causes, draft)


def _further_stages(
    ansatz: Ansatz | QuantumCircuit,
    observable: ObservableFamily,
    width: int,
    noise: "Noise | None",
    draft: Draft,
    num_samples: int,
    seed: int | None,
) -> None:
    _look_for_causes(ansatz, observable, width, noise, draft, num_samples, seed)
    starts = None
    if not is_constant(draft):
        starts = draft.run(
            "Initial angles",
            lambda: compare_initializations(ansatz, observable, num_qubits=width, num_samples=num_samples, seed=seed),
        )
    if isinstance(starts, InitializationComparison) and starts.best is not None:
        draft.advise("initial_angles", f"Initial angles: {starts.headline()}")
    if width <= 10:
        pairs = max(2000, num_samples)
        draft.run(
            "Expressibility", lambda: expressibility(ansatz, num_qubits=width, num_pairs=pairs, bins=40, seed=seed)
        )
        draft.run("Entanglement", lambda: entangling_capability(ansatz, num_qubits=width, num_samples=500, seed=seed))


def _studied_widths(
    ansatz: Ansatz | QuantumCircuit, observable: ObservableFamily, width: int, depths: Depth
) -> list[int]:
    """The widths of the scaling study; none for what has one width only."""
    if not isinstance(ansatz, Ansatz) or not is_family(observable):
        return []
    widths = [*range(max(2, ansatz.min_qubits), max(min(width, 10), 8) + 1), *_wide(ansatz, observable, depths)]
    return [n for n in widths if _exists(ansatz, n)]


def _wide(ansatz: Ansatz, observable: ObservableFamily, depths: Depth) -> list[int]:
    """Widths beyond states, if walks or few Pauli strings take this circuit and its depth does not grow with them."""
    if callable(depths):
        return []
    try:
        second_moments(ansatz, observable, num_qubits=max(4, ansatz.min_qubits), num_walks=64)
    except (QmlExtError, TypeError, ValueError):
        deep = ansatz if depths is None else clone(ansatz).set_params(reps=depths)
        return [n for n in _WIDE if _propagates(deep, observable, n)]
    return [*_WIDE]


def _propagates(ansatz: Ansatz, observable: ObservableFamily, width: int) -> bool:
    """Whether the observable stays within few Pauli strings."""
    try:
        problem = pose(ansatz, observable, num_qubits=width)
        PauliPropagation(problem.circuit, problem.observable, max_strings=_FEW_STRINGS)
    except (QmlExtError, TypeError, ValueError):
        return False
    return True


def _exists(ansatz: Ansatz, width: int) -> bool:
    """Whether the template has a circuit of this width (some exist for even numbers or powers of two only)."""
    try:
        ansatz.build(width)
    except ValueError:
        return False
    return True
