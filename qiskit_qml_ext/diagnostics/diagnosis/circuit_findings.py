"""What the results on a circuit are read as: findings, advice and prices, each with its condition."""

import math
from collections.abc import Callable

from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.price import duration
from qiskit_qml_ext.diagnostics.diagnosis.report import Finding, Level
from qiskit_qml_ext.diagnostics.moments.chain_moments import ChainMoment
from qiskit_qml_ext.diagnostics.moments.moment_bounds import SecondMomentBounds
from qiskit_qml_ext.diagnostics.moments.second_moments import SecondMoments
from qiskit_qml_ext.diagnostics.results.result import counted, rounded
from qiskit_qml_ext.diagnostics.subject.problem import Problem
from qiskit_qml_ext.diagnostics.subject.shot_noise import in_words
from qiskit_qml_ext.diagnostics.trainability.causes import PlateauCauses
from qiskit_qml_ext.diagnostics.trainability.constant_loss import explain_constant_loss
from qiskit_qml_ext.diagnostics.trainability.gradient_variance import GradientVariance
from qiskit_qml_ext.diagnostics.trainability.initializations import CAUTION
from qiskit_qml_ext.diagnostics.trainability.noise_plateau import NoiseInducedPlateau
from qiskit_qml_ext.diagnostics.trainability.scaling_study import ScalingStudy
from qiskit_qml_ext.primitives.pricing import SHOTS_PER_SECOND

_MANY_SHOTS = 100_000


def is_constant(draft: Draft) -> bool:
    """Whether the loss at this width was found not to change."""
    return any(finding.code == "loss_constant" for finding in draft.findings)


def read_gradient(found: GradientVariance, draft: Draft, problem: Callable[[], Problem]) -> None:
    """Say from how many shots a derivative is seen, or why there is none."""
    shots = found.shots_for()
    if not math.isfinite(shots):
        constant = explain_constant_loss(problem())
        draft.find("bad", "loss_constant", constant.finding)
        draft.advise("measure_what_changes", constant.advice)
        return
    level: Level = "good" if shots < _MANY_SHOTS else "bad"
    many = in_words(shots, at_most=found.shot_noise.derivatives_at_most)
    where = f"At {counted(found.num_qubits, 'qubit')}"
    text = (
        f"{where} a typical derivative stands out only beyond {many} {'shot' if shots == 1 else 'shots'} of each "
        "circuit, where it is as large as its noise (root mean square over parameters)."
    )
    draft.find(level, "derivative_seen" if level == "good" else "derivative_drowns", text)
    _price_gradient(found, draft)


def _price_gradient(found: GradientVariance | SecondMoments, draft: Draft) -> None:
    """The price of one gradient without a device; it has as many circuits and shots as the one on a backend."""
    shots, noise = found.shots_for(), found.shot_noise
    if not math.isfinite(shots) or not noise.num_circuits:
        return
    total, number = noise.num_circuits * shots, len(found.parameters)
    at_most = found.shots_at_most if isinstance(found, SecondMoments) else noise.derivatives_at_most
    most = "at most " * at_most
    each = " for each sample" * (isinstance(found, GradientVariance) and number < found.circuit.num_parameters)
    draft.price.append(
        f"One gradient of {number:,} parameter{'s' * (number != 1)} by parameter shifts{each}: "
        f"{noise.num_circuits:,} circuits of {most}{in_words(shots)} shot{'s' * (shots != 1)}, {in_words(total)} in "
        f"all, about {duration(total / SHOTS_PER_SECOND)} at {SHOTS_PER_SECOND:,} shots a second, queues not counted."
    )


def read_moments(
    found: SecondMoments,
    draft: Draft,
    chain: Callable[[], ChainMoment],
    bounds: Callable[[], SecondMomentBounds],
) -> None:
    """Say from how many shots a wide loss varies, by walks or by what reaches further than they do."""
    variance, where = found.loss_variance, f"At {counted(found.num_qubits, 'qubit')}"
    if not found.is_conclusive:
        try:
            exact = draft.run("Second moment by matrix products", chain)
        except ValueError as error:  # an observable of several terms
            draft.skipped.append(f"Second moment by matrix products: {error}")
            exact = None
        if isinstance(exact, ChainMoment):
            level: Level = "good" if exact.shots_for_loss() < _MANY_SHOTS else "bad"
            if math.isinf(exact.log10_variance):
                draft.find("bad", "loss_drowns", f"{where} no parameter changes the loss: its variance is 0.")
                return
            text = (
                f"{where} the variance of the loss is 10^{exact.log10_variance:.1f}: "
                f"at {exact.shots_in_words()} shots the loss varies as much as its noise."
            )
            draft.find(level, "loss_varies" if level == "good" else "loss_drowns", text)
            return
        certain = draft.run("Certified bounds on the variance", bounds)
        if isinstance(certain, SecondMomentBounds) and certain.most_shots < _MANY_SHOTS:
            text = f"At {in_words(certain.most_shots, at_most=True)} shots the loss varies as much as its noise."
            draft.find("good", "loss_varies", f"{text} {certain.headline()}")
        elif isinstance(certain, SecondMomentBounds) and certain.fewest_shots >= _MANY_SHOTS:
            text = f"Below {in_words(certain.fewest_shots)} shots the loss varies less than its noise."
            if math.isinf(certain.fewest_shots):
                text = "No parameter changes the loss."
            draft.find("bad", "loss_drowns", f"{text} {certain.headline()}")
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
        f"{where} the loss varies by √Var = {math.sqrt(max(variance.value, 0)):.2g}, as much as its noise at {many} "
        f"shots{each}.",
    )
    _price_gradient(found, draft)


def read_scaling(study: ScalingStudy, draft: Draft) -> None:
    """Put the verdict on the scaling first."""
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
    if study.is_constant_loss and not is_constant(draft):
        draft.advise(
            "measure_what_changes",
            "Measure another observable, or start from another state than |0…0⟩; which of them helps was not tried.",
        )
    elif study.verdict == "undetermined" and not study.is_constant_loss:
        draft.find("unknown", "trend_of_the_range", f"Over the widths studied {study.trend}; {study.reason}")
        draft.advise("study_more", "Study more widths or take more samples before you trust any trend.")
    there = study.extrapolation
    if there is not None:
        span = f"{rounded(there.shots.low)} to {rounded(there.shots.high)}"
        how = "as measured" if there.is_measured else "if the trend holds"
        draft.price.append(
            f"At {counted(there.num_qubits, 'qubit')}, {how}: {rounded(there.shots.value)} shots (interval {span}) "
            "of each circuit of the loss, at which it varies as much as its noise."
        )


def read_causes(causes: PlateauCauses, draft: Draft) -> None:
    """Say what raises the derivatives, and what to try."""
    if not causes.causes:
        return
    draft.find("unknown", "causes", causes.headline())
    for change in causes.helpful:
        gain = f"{change.gain.value:.2g}" if math.isfinite(change.gain.high) else f"at least {change.gain.low:.2g}"
        place = caution = ""
        if change.loss_mean is not None and causes.loss_mean is not None:
            place = f"; mean loss there {change.loss_mean}, before {causes.loss_mean}"
            caution = f" {CAUTION}"
        draft.advise(
            "lift_cause",
            f"{change.advice[0].upper()}{change.advice[1:]} (square of a typical derivative × {gain}{place}).{caution}",
        )


def read_noise(found: NoiseInducedPlateau, draft: Draft, width: int) -> None:
    """Say how noise damps the variance, at the width that was simulated."""
    if math.isnan(found.decay_rate.value):  # noise took all the variance, or there was none
        lost = found.trajectories is None and any(clean.value > 0 for clean in found.clean_variances)
        draft.find("bad" if lost else "unknown", "noise_damps" if lost else "noise_unclear", found.headline())
        return
    damps, depth = found.decay_rate.low > 0, found.last_useful_depth.value
    bad = damps and depth < found.depths[-1]
    code = "noise_damps" if bad else "noise_damps_slowly" if damps else "noise_unclear"
    draft.find("bad" if bad else "unknown", code, found.headline())
    if bad and depth >= 1:
        elsewhere = f"; {width} qubits were not simulated with noise" * (width != found.num_qubits)
        where = f"With this noise, at {counted(found.num_qubits, 'qubit')},"
        draft.advise("fewer_layers", f"{where} keep to fewer than {rounded(depth)} layers{elsewhere}.")
