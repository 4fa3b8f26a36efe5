"""The diagnosis of circuits: will an ansatz, a circuit or a network train?"""

import math
from collections.abc import Callable

from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, SparsePauliOp
from sklearn.base import clone

from qiskit_qml_ext.circuits import Ansatz, InitialDistribution
from qiskit_qml_ext.diagnostics.causes import PlateauCauses, plateau_causes
from qiskit_qml_ext.diagnostics.chain_moments import ChainMoment, chain_second_moment
from qiskit_qml_ext.diagnostics.constant_loss import explain_constant_loss
from qiskit_qml_ext.diagnostics.draft import Draft
from qiskit_qml_ext.diagnostics.entanglement import entangling_capability
from qiskit_qml_ext.diagnostics.estimate import rounded
from qiskit_qml_ext.diagnostics.expressibility import expressibility
from qiskit_qml_ext.diagnostics.gradient_variance import GradientVariance, Method, gradient_variance
from qiskit_qml_ext.diagnostics.initializations import InitializationComparison, compare_initializations
from qiskit_qml_ext.diagnostics.moment_bounds import SecondMomentBounds, second_moment_bounds
from qiskit_qml_ext.diagnostics.network import Network
from qiskit_qml_ext.diagnostics.noise_plateau import NoiseInducedPlateau, noise_induced_plateau
from qiskit_qml_ext.diagnostics.noisy_simulation import Noise
from qiskit_qml_ext.diagnostics.pauli_propagation import PauliPropagation
from qiskit_qml_ext.diagnostics.price import SHOTS_PER_SECOND, duration
from qiskit_qml_ext.diagnostics.problem import (
    ObservableFamily,
    Parameters,
    Problem,
    build_circuit,
    build_observable,
    is_family,
    pose,
)
from qiskit_qml_ext.diagnostics.report import Finding, Level
from qiskit_qml_ext.diagnostics.scaling_study import Depth, ScalingStudy, scaling_study
from qiskit_qml_ext.diagnostics.second_moments import SecondMoments, second_moments
from qiskit_qml_ext.diagnostics.shot_noise import in_words
from qiskit_qml_ext.exceptions import QmlExtError

_MAX_STATE_QUBITS = 12  # hundreds of states of more qubits take too long for a first look
_MAX_FEW_STATES = 16  # a few dozen states are still feasible where nothing else applies
_MAX_NOISY_QUBITS = 8  # density matrices of more qubits take seconds each
_FEW_STRINGS = 20_000  # Pauli strings that hundreds of samples pass through in seconds
_MANY_SHOTS = 100_000
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
    if width > _MAX_STATE_QUBITS:
        draft.skipped.append(
            f"Causes, initial angles and descriptors: {width} qubits are more than {_MAX_STATE_QUBITS}."
        )
        moments = draft.run(
            "Second moments by Pauli walks", lambda: second_moments(here, observable, num_qubits=width, seed=seed)
        )
        if isinstance(moments, SecondMoments):
            _read_moments(
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
            f"Gradient at {width} qubits",
            lambda: gradient_variance(here, observable, num_qubits=width, num_samples=points, method=method, seed=seed),
        )
        if isinstance(now, GradientVariance):
            _read_gradient(now, draft, lambda: pose(here, observable, num_qubits=width))
    if isinstance(ansatz, Ansatz) and is_family(observable):
        widths = [*range(max(2, ansatz.min_qubits), max(min(width, 10), 8) + 1), *_wide(ansatz, observable, depths)]
        study = draft.run(
            "Scaling with the number of qubits",
            lambda: scaling_study(
                ansatz,
                observable,
                qubits=[n for n in widths if _exists(ansatz, n)],
                depths=depths,
                num_samples=num_samples,
                target_qubits=2 * width,
                seed=seed,
            ),
        )
        if isinstance(study, ScalingStudy):
            _read_scaling(study, draft)
    noise = _possible_noise(noise, observable, width, draft)
    if width <= _MAX_STATE_QUBITS:
        _further_stages(here, observable, width, noise, draft, num_samples, seed)
    if noise is not None and isinstance(ansatz, Ansatz):
        damped = draft.run(
            "Noise", lambda: noise_induced_plateau(ansatz, observable, noise, num_qubits=min(width, 6), seed=seed)
        )
        if isinstance(damped, NoiseInducedPlateau):
            _read_noise(damped, draft)
    circuit = build_circuit(here, width)
    name = type(ansatz).__name__ if isinstance(ansatz, Ansatz) else "This circuit"
    return f"Is it trainable? {name} on {width} qubits with {circuit.num_parameters} parameters"


def diagnose_network(
    name: str, network: Network, noise: "Noise | None", draft: Draft, num_samples: int, seed: int | None
) -> str:
    """Fill a draft with what concerns a network, whose inputs are rows of the data, and return the title."""
    circuit, observable = network.circuit, network.observable
    width = int(circuit.num_qubits)
    if network.note:
        draft.skipped.append(network.note)
    found = draft.run(
        f"Gradient by the weights at {width} qubits",
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
        _read_gradient(
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
    return f"Is it trainable? {name} on {width} qubits with {len(network.weights)} weights"


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
        _read_causes(causes, draft)


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


def _read_gradient(found: GradientVariance, draft: Draft, problem: Callable[[], Problem]) -> None:
    shots = found.shots_for()
    if not math.isfinite(shots):
        constant = explain_constant_loss(problem())
        draft.find("bad", "loss_constant", constant.finding)
        draft.advise("measure_what_changes", constant.advice)
        return
    level: Level = "good" if shots < _MANY_SHOTS else "bad"
    many = in_words(shots, at_most=found.shot_noise.derivatives_at_most)
    where = f"At {found.num_qubits} qubits"
    text = f"{where} a typical derivative stands out of the noise from {many} shots of each circuit on."
    draft.find(level, "derivative_seen" if level == "good" else "derivative_drowns", text)
    _price_gradient(found, draft)


def _price_gradient(found: GradientVariance | SecondMoments, draft: Draft) -> None:
    """The price of one gradient without a device; it has as many circuits and shots as the one on a backend."""
    shots, noise = found.shots_for(), found.shot_noise
    if not math.isfinite(shots) or not noise.num_circuits:
        return
    total, number = noise.num_circuits * shots, len(found.parameters)
    most = "at most " * noise.derivatives_at_most
    each = " for each sample" * (isinstance(found, GradientVariance) and number < found.circuit.num_parameters)
    draft.price.append(
        f"One gradient of {number:,} parameter{'s' * (number != 1)} by parameter shifts{each}: "
        f"{noise.num_circuits:,} circuits of {most}{in_words(shots)} shot{'s' * (shots != 1)}, {in_words(total)} in "
        f"all, about {duration(total / SHOTS_PER_SECOND)} at {SHOTS_PER_SECOND:,} shots a second, queues not counted."
    )


def _read_moments(
    found: SecondMoments,
    draft: Draft,
    chain: Callable[[], ChainMoment],
    bounds: Callable[[], SecondMomentBounds],
) -> None:
    variance = found.loss_variance
    if found.hits == 0 or variance.high > 100 * max(variance.value, 1e-300):
        try:
            exact = draft.run("Second moment by matrix products", chain)
        except (QmlExtError, ValueError) as error:
            draft.skipped.append(f"Second moment by matrix products: {error}")
            exact = None
        if isinstance(exact, ChainMoment):
            level: Level = "good" if exact.shots_for_loss() < _MANY_SHOTS else "bad"
            text = (
                f"At {found.num_qubits} qubits the variance of the loss is 10^{exact.log10_variance:.1f}: "
                f"{exact.shots_in_words()} shots are needed before the loss varies as much as its noise."
            )
            draft.find(level, "loss_varies" if level == "good" else "loss_drowns", text)
            return
        certain = draft.run("Certified bounds on the variance", bounds)
        if isinstance(certain, SecondMomentBounds) and certain.most_shots < _MANY_SHOTS:
            draft.find("good", "loss_varies", f"The loss varies beyond the noise of shots. {certain.headline()}")
        elif isinstance(certain, SecondMomentBounds) and certain.fewest_shots >= _MANY_SHOTS:
            draft.find("bad", "loss_drowns", f"The loss drowns in the noise of shots. {certain.headline()}")
        else:
            text = f"The variance is too small for Pauli walks. {found.headline()}"
            draft.find("unknown", "variance_unknown", text)
        return
    shots = found.shots_for_loss()
    many = in_words(shots, at_most=found.shot_noise.loss_at_most)
    groups = found.shot_noise.num_groups
    each = f" of each of its {groups:,} circuits" * (groups > 1)
    few = shots < _MANY_SHOTS
    draft.find(
        "good" if few else "bad",
        "loss_varies" if few else "loss_drowns",
        f"At {found.num_qubits} qubits the loss varies by √Var = {math.sqrt(max(variance.value, 0)):.2g}; it "
        f"stands out of the noise from {many} shots{each} on.",
    )
    _price_gradient(found, draft)


def _read_scaling(study: ScalingStudy, draft: Draft) -> None:
    level: dict[str, Level] = {
        "barren plateau": "bad",
        "polynomial": "good",
        "constant": "good",
        "undetermined": "unknown",
    }
    meaning = ""
    if level[study.verdict] == "bad":
        meaning = " If that goes on, training a wider circuit from such random angles takes exponentially many shots."
    code = study.verdict.replace(" ", "_")
    draft.findings.insert(0, Finding(level[study.verdict], study.headline() + meaning, code))
    if study.verdict in ("polynomial", "constant"):
        draft.advise(
            "ask_for_simulation",
            "Ask whether a classical computer can do the same: circuits without barren plateaus often can be simulated "
            "(arXiv:2312.09121).",
        )
    if study.is_constant_loss:
        draft.advise("measure_what_changes", "Measure qubits that the parametrised gates can reach.")
    elif study.verdict == "undetermined":
        draft.find("unknown", "trend_of_the_range", f"Over the widths studied {study.trend}; {study.reason}")
        draft.advise("study_more", "Study more widths or take more samples before you trust any trend.")
    there = study.extrapolation
    if there is not None:
        span = f"{rounded(there.shots.low)} to {rounded(there.shots.high)}"
        draft.price.append(
            f"At {there.num_qubits} qubits, if the trend holds: {rounded(there.shots.value)} shots (interval {span}) "
            "of each circuit of the loss before it varies as much as its noise."
        )


def _read_causes(causes: PlateauCauses, draft: Draft) -> None:
    if not causes.causes:
        return
    draft.find("unknown", "causes", causes.headline())
    for change in causes.changes:
        if change.helps:
            gain = f"{change.gain.value:.2g}"
            draft.advise(
                "lift_cause",
                f"{change.advice[0].upper()}{change.advice[1:]} (square of a typical derivative × {gain}).",
            )


def _read_noise(found: NoiseInducedPlateau, draft: Draft) -> None:
    if math.isnan(found.decay_rate.value):  # noise took all the variance, or there was none
        lost = found.trajectories is None and any(clean.value > 0 for clean in found.clean_variances)
        draft.find("bad" if lost else "unknown", "noise_damps" if lost else "noise_unknown", found.headline())
        return
    bad = found.decay_rate.low > 0 and found.last_useful_depth.value < found.depths[-1]
    draft.find("bad" if bad else "good", "noise_damps" if bad else "noise_harmless", found.headline())
    if bad:
        draft.advise("fewer_layers", f"On this device keep to fewer than {found.last_useful_depth.value:.0f} layers.")
