"""Verdicts on families whose scaling is known, and how often they are wrong."""

import json
import math
import re

import matplotlib as mpl
import numpy as np
import pytest
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.circuits import (
    GaussianDistribution,
    HardwareEfficientAnsatz,
    MatchgateAnsatz,
    PermutationEquivariantAnsatz,
    RealAmplitudesAnsatz,
    UniformDistribution,
)
from qiskit_qml_ext.diagnostics import (
    Estimate,
    averaged_local_observable,
    compare_initializations,
    global_observable,
    global_projector,
    gradient_variance,
    local_observable,
    plateau_causes,
    scaling_study,
)
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.stages.causes import read_causes
from qiskit_qml_ext.diagnostics.results.result import counted, mean_in_words
from qiskit_qml_ext.diagnostics.statistics.intervals import variance_estimates
from qiskit_qml_ext.diagnostics.statistics.scaling_fit import judge_scaling
from qiskit_qml_ext.diagnostics.statistics.scaling_verdict import judge_variances
from qiskit_qml_ext.diagnostics.subject.shot_noise import in_words
from qiskit_qml_ext.diagnostics.trainability.causes import PlateauCauses, two_design_variance
from qiskit_qml_ext.diagnostics.trainability.changes import LOCAL, LOCAL_SHALLOW, PRODUCT, SHALLOW, SMALL, Change
from qiskit_qml_ext.diagnostics.trainability.initializations import ratio
from qiskit_qml_ext.diagnostics.trainability.scaling_study import _extrapolate
from tests.diagnostics.families import layered_circuit, product_circuit
from tests.diagnostics.scaling_laws import LAWS, SETTINGS, draw, truths

mpl.use("agg")


def first_z(num_qubits: int) -> SparsePauliOp:
    return SparsePauliOp("I" * (num_qubits - 1) + "Z")


KNOWN = {
    "deep hardware-efficient, global": (
        HardwareEfficientAnsatz(),
        global_observable,
        lambda n: 4 * n,
        range(2, 10),
        "barren plateau",
    ),
    "shallow hardware-efficient, local": (
        lambda n: layered_circuit(n, 2),
        local_observable,
        None,
        range(2, 13),
        "constant",
    ),
    "free fermions": (MatchgateAnsatz(), first_z, lambda n: 3 * n, range(2, 10), "polynomial"),
    "product, global": (product_circuit, global_projector, None, range(2, 9), "barren plateau"),
    "product, local": (product_circuit, averaged_local_observable, None, range(2, 13), "polynomial"),
    "permutation-equivariant": (
        PermutationEquivariantAnsatz(),
        averaged_local_observable,
        lambda n: n,
        range(2, 10),
        "polynomial",
    ),
}


@pytest.mark.parametrize("case", KNOWN)
def test_verdict_on_known_families(case):
    ansatz, observable, depths, qubits, expected = KNOWN[case]
    samples = 4000 if case == "product, global" else 400  # its losses are rare peaks on a plain
    study = scaling_study(
        ansatz, observable, depths=depths, widths=qubits, num_samples=samples, parameters=[0], seed=7, extrapolate_to=30
    )
    assert study.verdict == expected
    assert study.extrapolation is not None
    assert study.extrapolation.shots.value >= 1


@pytest.mark.slow
@pytest.mark.parametrize("case", KNOWN)
def test_verdict_on_known_families_up_to_14_qubits(case):
    ansatz, observable, depths, _, expected = KNOWN[case]
    samples = 4000 if case == "product, global" else 300
    study = scaling_study(
        ansatz, observable, depths=depths, widths=range(2, 15, 2), num_samples=samples, parameters=[0], seed=3
    )
    assert study.verdict == expected


def test_free_fermions_fall_as_one_over_two_n_minus_one():
    study = scaling_study(
        MatchgateAnsatz(), first_z, depths=lambda n: 4 * n, widths=[2, 3, 5], num_samples=1500, parameters=[0], seed=2
    )
    for n, variance in zip(study.widths, study.variances, strict=True):
        # finite depth leaves a few percent; the interval's quarter is about one standard error
        assert variance.value == pytest.approx(1 / (2 * n - 1), rel=0.2)


def test_one_point_and_few_points_are_undetermined():
    for qubits in ([4], [3, 4], [3, 4, 5, 6]):
        study = scaling_study(product_circuit, global_projector, widths=qubits, seed=0, extrapolate_to=20)
        assert study.verdict == "undetermined"
        assert study.extrapolation is None
        with pytest.raises(ValueError, match="undetermined"):
            study.extrapolate(20)


def test_exact_variances_are_recognised():
    n = np.arange(2.0, 15)
    for log_variance, expected in (
        (-np.log(2.0**n + 1), "barren plateau"),
        (-np.log(2 * n - 1), "polynomial"),
        (-2 * np.log(n) - np.log(8), "polynomial"),
        ((n - 1) * np.log(3 / 8) - np.log(8), "barren plateau"),
        (np.full(len(n), -1.3), "constant"),
    ):
        found = judge_scaling(n, log_variance, np.full(len(n), 0.1))
        assert found.verdict == expected


def test_a_plateau_that_ends_is_not_called_barren():
    n = np.arange(2.0, 15)
    levelling = np.log(0.02 + 2.0**-n)
    assert judge_scaling(n, levelling, np.full(len(n), 0.05)).verdict != "barren plateau"


def small_study(kind: str, rng: np.random.Generator, samples: int, widths: range) -> str:
    """A study of 2 to 8 qubits with few samples, drawn directly from distributions of known scaling."""
    draws = []
    for n in widths:
        angles = rng.uniform(0, 2 * np.pi, (samples, n))
        draws.append(
            {
                "product, global": np.prod(np.cos(angles / 2) ** 2, axis=1),
                "product, local": np.cos(angles).mean(axis=1),
                "one qubit": np.cos(angles[:, 0]),
                "2-design": rng.normal(size=samples) / math.sqrt(2**n + 1),
                "free fermions": rng.normal(size=samples) / math.sqrt(2 * n - 1),
            }[kind]
        )
    losses = np.array(draws).T
    kurtoses = np.mean((losses - losses.mean(0)) ** 4, 0) / np.var(losses, 0) ** 2
    return judge_variances(list(widths), variance_estimates(losses, rng), list(kurtoses), samples).verdict


TRUTH = {
    "product, global": "barren plateau",
    "product, local": "polynomial",
    "one qubit": "constant",
    "2-design": "barren plateau",
    "free fermions": "polynomial",
}


@pytest.mark.slow
@pytest.mark.parametrize("samples", [40, 200])
def test_at_most_5_percent_of_small_studies_claim_something_wrong(samples):
    rng = np.random.default_rng(2024)
    wrong, right = {}, 0
    for kind, truth in TRUTH.items():
        verdicts = [small_study(kind, rng, samples, range(2, 9)) for _ in range(40)]
        wrong[kind] = sum(verdict not in (truth, "undetermined") for verdict in verdicts)
        right += verdicts.count(truth)
    assert sum(wrong.values()) <= 0.05 * 40 * len(TRUTH), wrong
    assert samples < 200 or right > 0.5 * 40 * len(TRUTH), "a judge that never decides is no judge"


NOT_BARREN = {
    "n^-3": lambda n: -3 * np.log(n),
    "(n+3)^-2": lambda n: -2 * np.log(n + 3),
    "(n+5)^-4": lambda n: -4 * np.log(n + 5),
    "(n+10)^-3": lambda n: -3 * np.log(n + 10),
    "n^-1/2": lambda n: -np.log(n) / 2,
    "levelling": lambda n: np.log(0.02 + 2.0**-n),
    "odd and even": lambda n: np.log(np.floor(n / 2)),
}
BARREN = {
    "n 2^-n": lambda n: np.log(n) - n * np.log(2),
    "2^-n": lambda n: -n * np.log(2),
    "slow": lambda n: -0.2 * n,
    "(3/8)^n": lambda n: n * np.log(3 / 8),
}


@pytest.mark.parametrize(("top", "error"), [(8, 0.12), (10, 0.08), (14, 0.05)])
def test_polynomials_that_look_exponential_are_not_called_barren(top, error):
    rng, n = np.random.default_rng(0), np.arange(2.0, top + 1)

    def verdicts(law):
        noise = rng.normal(size=(100, len(n))) * error
        return [judge_scaling(n, law(n) + one, np.full(len(n), error)).verdict for one in noise]

    for name, law in NOT_BARREN.items():
        assert verdicts(law).count("barren plateau") <= 5, name
    for name, law in BARREN.items():
        found = verdicts(law)
        assert found.count("polynomial") + found.count("constant") <= 5, name
    assert verdicts(BARREN["2^-n"]).count("barren plateau") > 80


def verdicts_on_laws(seeds: int) -> tuple[dict[str, float], dict[str, float]]:
    """For each law the share of studies that name a class that is not its own, and that name its own."""
    wrong, right = dict.fromkeys(LAWS, 0.0), dict.fromkeys(LAWS, 0.0)
    for number, setting in enumerate(SETTINGS):
        for law in LAWS:
            for seed in range(seeds):
                found = judge_scaling(*draw(law, setting, np.random.default_rng([seed, number]))).verdict
                if found in truths(law, setting):
                    right[law] += 1 / (seeds * len(SETTINGS))
                elif found != "undetermined":
                    wrong[law] += 1 / (seeds * len(SETTINGS))
    return wrong, right


def check_verdicts_on_laws(seeds: int) -> None:
    wrong, right = verdicts_on_laws(seeds)
    assert np.mean([*wrong.values()]) <= 0.05, wrong
    assert max(wrong.values()) <= 0.25, wrong  # no law is mistaken in most of its settings
    assert np.mean([*right.values()]) >= 0.5, right
    for law in ("2^-n", "1/(2^n + 1)", "(3/8)^n", "n^-2", "n^-3", "constant"):
        assert right[law] >= 0.7, (law, right[law])


def test_few_studies_of_24_laws_name_a_wrong_one():
    check_verdicts_on_laws(2)


@pytest.mark.slow
def test_at_most_5_percent_of_studies_of_24_laws_name_a_wrong_one():
    """24 laws, 9 settings, 15 seeds: about 2 % name a wrong class and 59 % the right one."""
    check_verdicts_on_laws(15)


def test_what_lies_between_a_power_and_an_exponential_is_named_neither():
    n = np.array([*range(2, 11), 16.0, 32.0, 64.0])
    errors = np.where(n > 14, 1e-9, 0.08)
    for law in (-np.log(n) * np.log2(n), -2 * np.sqrt(n)):
        assert judge_scaling(n, law, errors).verdict == "undetermined"


def test_three_exact_even_widths_do_not_outvote_the_odd_ones():
    """Z on all qubits at odd widths (2^-n), Z on one at even widths (1/2): each on its own is what it is."""

    def observable(n: int) -> SparsePauliOp:
        return SparsePauliOp("Z" * n) if n % 2 else first_z(n)

    def verdict(widths) -> str:
        return scaling_study(product_circuit, observable, widths=widths, num_samples=100, seed=0)

    for widths in (range(2, 11), [*range(2, 11), 16, 24, 32]):
        study = verdict(widths)
        assert study.verdict == "undetermined"
        assert "even and odd widths follow different curves" in study.reason
    even = verdict([2, 4, 6, 8, 10, 16, 32])
    assert even.verdict == "constant"
    assert "(even widths only)" in even.headline()
    odd = verdict([3, 5, 7, 15, 17, 19, 21])
    assert odd.verdict == "barren plateau"
    assert "(odd widths only)" in odd.headline()


def test_a_variance_that_levels_off_is_constant_from_there_on():
    n = np.array([2.0, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48])
    found = judge_scaling(n, np.log(0.02 + 2.0**-n), np.full(len(n), 0.05))
    assert (found.verdict, found.levelled_off_from) == ("constant", 8.0)
    assert found.chosen.first_width == 8
    assert math.exp(found.chosen.log_variance(100)) == pytest.approx(0.02, rel=0.1)


def test_verdict_names_only_the_widths_that_were_fitted():
    """Walks at 16 and more qubits know 2^-n within many factors only."""
    study = scaling_study(
        HardwareEfficientAnsatz(), global_observable, widths=[*range(2, 9), 16, 32, 64], num_samples=200, seed=0
    )
    assert study.verdict == "barren plateau"
    assert study.judgement.used[-3:] == (False, False, False)
    assert study.headline().startswith("Barren plateau from 2 to 8 qubits, with uniform angles: ")
    assert study.headline().endswith("; at 16 to 64 qubits it is too uncertain to count.")
    assert "by at least a factor" in study.trend, "the interval of the factor spans decades"


def test_nothing_is_extrapolated_below_the_law_and_what_was_measured_stays():
    widths = [2, 3, 4, 6, 7, 8, 16, 23, 32, 45, 64]
    study = scaling_study(RealAmplitudesAnsatz(reps=2), local_observable, widths=widths, seed=0, extrapolate_to=2)
    assert study.judgement.levelled_off_from == 8
    assert study.extrapolation.is_measured
    assert study.extrapolation.variance == study.variances[0]
    assert study.extrapolation.shots.value == study.points[0].shots_for_loss()
    assert "as measured" in study.summary()
    with pytest.raises(ValueError, match="holds from 8 qubits on and says nothing about 5"):
        study.extrapolate(5)


def test_a_slow_fall_is_bounded_and_its_price_knows_it():
    """n^-0.13 is called constant; its sentence bounds the power, and a price far out contains that of the power."""
    n = list(range(2, 41, 2))
    values = [0.5 * k**-0.13 for k in n]
    variances = [Estimate(v, 0.02 * v, 0.96 * v, 1.04 * v) for v in values]
    judgement = judge_variances(n, variances, [3.0] * len(n), 2000)
    assert judgement.verdict == "constant"
    assert judgement.flat.rate.contains(0.13)
    assert judgement.flat.rate.low > 0
    there = _extrapolate(judgement, 1000, n, variances, [1.0] * len(n))
    assert there.variance.value == pytest.approx(0.5 * 1000**-0.13, rel=0.05)
    assert there.variance.contains(0.5 * 1000**-0.13)
    level = scaling_study(
        lambda k: layered_circuit(k, 2), local_observable, widths=range(2, 13), seed=7, num_samples=400
    )
    assert re.search(r"changes by no more than n\^±[\d.]+ \(power|no faster than n\^", level.headline())
    assert "does not fall" not in level.headline()


def test_what_rises_and_falls_is_not_said_to_rise():
    n = np.arange(2.0, 11)
    found = judge_scaling(n, -((n - 7) ** 2) / 20, np.full(len(n), 0.05))
    assert found.verdict == "undetermined"
    assert "rises" not in found.reason
    assert "does not fall over these widths as a whole" in found.reason


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(1.0, 9.3e-17, 1.0, 1.0), "1"),
        (Estimate(1.8e-5, 4.1e-6, 0.0, 1.0), "1.8e-05 ± 4.1e-06"),
        (Estimate(-0.001, 0.31, -1.0, 1.0), "0.00 ± 0.31"),
        (Estimate(0.0354, 0.0058, 0.0, 1.0), "0.0354 ± 0.0058"),
    ],
)
def test_numbers_have_the_digits_that_their_errors_allow(estimate, text):
    assert str(estimate) == text


def test_large_numbers_of_shots_have_three_digits_and_one_thing_has_no_plural():
    assert in_words(163_067_463) == "163,000,000"
    assert in_words(367.0) == "367"
    assert mean_in_words(-3.15843e-181) == "0"
    assert (counted(1, "layer"), counted(2, "qubit")) == ("1 layer", "2 qubits")


def test_exact_points_have_the_scatter_of_the_law():
    """One exact width that lies off the law does not carry it away, and the error knows the scatter."""
    n = np.arange(2.0, 13)
    y = -n * np.log(2) + 0.1 * np.cos(7 * n)
    found = judge_scaling(n, y, np.full(len(n), 1e-6))
    assert found.verdict == "barren plateau"
    fit = found.fit("exponential")
    assert 0.04 < fit.scatter < 0.15
    assert fit.rate.low < math.log(2) < fit.rate.high


def test_a_loss_that_no_angle_changes_says_so():
    study = scaling_study(product_circuit, lambda n: SparsePauliOp("X" + "I" * (n - 1)), widths=range(2, 8), seed=0)
    assert study.verdict == "undetermined"
    assert study.is_constant_loss
    assert "is 0 up to rounding at 2 to 7 qubits: no angle changes the loss" in study.headline()
    assert "does not depend on what is trained" in study.reason


def test_widths_without_any_variance_forbid_a_verdict_from_the_others():
    """⟨X⟩ after RX is 0 at odd widths; the even ones alone look constant."""

    def observable(n: int) -> SparsePauliOp:
        return SparsePauliOp(("X" if n % 2 else "Z") + "I" * (n - 1))

    study = scaling_study(product_circuit, observable, widths=range(2, 15), num_samples=200, seed=0)
    assert study.verdict == "undetermined"
    assert "0 up to rounding at 3, 5, 7, 9, 11, 13 qubits" in study.reason
    assert not study.is_constant_loss


def test_an_upper_end_below_the_law_forbids_it():
    widths = [2, 3, 4, 5, 6, 7, 8, 9, 10, 32]
    variances = [Estimate(0.5, 0.02, 0.46, 0.54)] * 9 + [Estimate(0.0, 1e-4, 0.0, 4e-4)]
    found = judge_variances(widths, variances, [math.nan] * 10, 200)
    assert found.verdict == "undetermined"
    assert "at 32 qubits the variance is at most 0.0004" in found.reason
    assert judge_variances(widths[:9], variances[:9], [math.nan] * 9, 200).verdict == "constant"


def test_the_confidence_of_intervals_does_not_change_the_verdict():
    """Errors of logarithms are read off intervals of any confidence."""
    rng = np.random.default_rng(5)
    n = np.arange(2, 11)
    values = 2.0**-n * np.exp(0.08 * rng.normal(size=len(n)))
    fits = []
    for confidence, quantile in ((0.6827, 1.0), (0.9973, 3.0)):
        ends = [Estimate(v, 0.08 * v, v * math.exp(-0.08 * quantile), v * math.exp(0.08 * quantile)) for v in values]
        fits.append(judge_variances(list(n), ends, [math.nan] * len(n), 200, confidence).fit("exponential"))
    assert fits[0].rate.standard_error == pytest.approx(fits[1].rate.standard_error, rel=1e-3)


def test_wide_gradients_are_variances_of_the_chosen_derivatives():
    """Walks above 14 qubits: Var ∂_0 of the mean of Z is 1/(2n²), the sum over all n derivatives n times that."""
    for parameters, factor in (([0], 1), ("all", None), ([0, 3, 5], 3)):
        study = scaling_study(
            product_circuit,
            averaged_local_observable,
            widths=[4, 6, 15, 20, 28],
            quantity="gradient",
            parameters=parameters if parameters != [0, 3, 5] else [0, 1, 3],
            num_samples=400,
            seed=0,
        )
        for n, variance in zip(study.widths, study.variances, strict=True):
            scale = n if factor is None else factor
            right = scale * gradient_of_mean_z(n)
            assert abs(variance.value - right) < 4 * variance.standard_error + 1e-12, n
            assert variance.standard_error < 0.15 * right


def gradient_of_mean_z(n: int) -> float:
    """Var ∂C of the averaged local observable O by one angle of RX, from its coefficients."""
    weights = averaged_local_observable(n).coeffs.real
    return float(weights[-1] ** 2 / 2)


def test_wide_gradients_near_zero_do_not_take_the_mean_for_a_spread():
    """C = sin θ_0, θ ~ N(0, 0.1²): Var cos θ = (1 + e^(-2σ²))/2 - e^(-σ²), 1/20,000 of E cos² θ."""
    right = (1 + math.exp(-0.02)) / 2 - math.exp(-0.01)
    study = scaling_study(
        product_circuit,
        lambda n: SparsePauliOp("I" * (n - 1) + "Y"),
        widths=[4, 16, 24],
        quantity="gradient",
        distribution=GaussianDistribution(std=0.1),
        num_samples=2000,
        seed=0,
    )
    sampled, *walked = study.variances
    assert sampled.contains(right)
    assert sampled.high < 2 * right
    for variance in walked:
        assert variance.value == pytest.approx(right, rel=1e-6)


def test_extrapolated_variance_of_a_2_design_is_right_at_20_qubits():
    study = scaling_study(
        HardwareEfficientAnsatz(),
        global_observable,
        depths=lambda n: 4 * n,
        widths=range(3, 10),
        parameters=[0],
        seed=3,
    )
    there = study.extrapolate(14)
    assert there.variance.contains(1 / (2**14 + 1))
    # the loss of one Pauli is read with (1 - E C²)/S; at 14 qubits that is 1/S but for the few percent of the trend
    assert there.shots.value == pytest.approx(1 / there.variance.value, rel=0.03)


def test_wide_circuits_tell_a_constant_from_a_power():
    """With CX ladders the variance of a local observable falls from 1/4 at two qubits and levels off at 1/32."""
    ansatz = HardwareEfficientAnsatz(reps=1)
    study = scaling_study(ansatz, local_observable, widths=[8, 12, 16, 24, 48, 96, 200], parameters=[0], seed=1)
    assert study.verdict == "constant"
    assert study.variances[-1].contains(1 / 32)
    walked = scaling_study(ansatz, local_observable, widths=[4], method="walks", quantity="gradient", seed=0)
    states = scaling_study(ansatz, local_observable, widths=[4], quantity="gradient", num_samples=2000, seed=0)
    error = math.hypot(walked.variances[0].standard_error, states.variances[0].standard_error)
    assert abs(walked.variances[0].value - states.variances[0].value) < 4 * error


def test_gradient_and_loss_give_the_same_verdict():
    arguments = {"widths": range(2, 9), "seed": 1, "num_samples": 300}
    for quantity in ("loss", "gradient"):
        study = scaling_study(product_circuit, averaged_local_observable, quantity=quantity, **arguments)
        assert study.verdict == "polynomial"
        assert study.rate.contains(1.0)  # n/(8 n²)·4 and 1/(2n)


def test_summed_gradients_bound_the_variance_of_the_loss():
    """max_k E(∂_kC)² ≤ Var C ≤ Σ_k E(∂_kC)² for independent uniform angles that are used once."""
    found = gradient_variance(layered_circuit(5, 3), local_observable, num_samples=2000, seed=1)
    assert max(e.low for e in found.gradient_variances) <= found.loss_variance.high
    assert found.loss_variance.low <= found.squared_gradient.high


def test_initializations_are_compared_with_the_first():
    found = compare_initializations(HardwareEfficientAnsatz(reps=8), global_observable, num_qubits=7, seed=0)
    assert found.distributions[0].startswith("Uniform")
    assert found.gains[0] == Estimate.exact(1.0, "itself")
    assert found.best is not None
    assert "Gaussian" in " ".join(found.distributions)
    assert found.plot().get_xscale() == "log"
    assert "mean loss" in found.summary()


def test_equal_distributions_do_not_win():
    found = compare_initializations(
        layered_circuit(3, 1), local_observable, distributions=[UniformDistribution(), UniformDistribution()], seed=5
    )
    assert found.best is None
    assert found.gains[1].contains(1.0)
    assert "no other distribution has a clearly larger gradient than uniform angles" in found.headline()
    assert "Distribution(" not in found.summary()


def test_ratio_of_estimates_joins_their_intervals():
    one, other = Estimate(2.0, 0.1, 1.8, 2.2), Estimate(1.0, 0.1, 0.8, 1.25)
    found = ratio(one, other)
    assert found.value == 2.0
    assert found.high == pytest.approx(2 * math.exp(math.hypot(math.log(1.1), math.log(1.25))))
    assert ratio(Estimate.exact(0.0), one).value == 0
    assert math.isnan(ratio(one, Estimate.exact(0.0)).value)


def test_causes_of_a_global_deep_plateau():
    deep = HardwareEfficientAnsatz(reps=20, entangler="cz")
    found = plateau_causes(deep, global_observable, num_qubits=9, num_samples=100, seed=0)
    # neither alone helps: a deep circuit is flat for every observable, and a global one for every depth
    assert found.causes[0] == "a global observable together with depth"
    assert "a global observable" not in found.causes
    assert "angles spread over the whole period" in found.causes
    (both,) = (change for change in found.changes if change.cause == found.causes[0])
    # a 2-design against one local layer: E (∂C)² of some 2^-10 against one of some 1/40
    assert both.gain.low > 8
    assert found.two_design_ratio.contains(1.0), "as flat as a random unitary"
    assert "2-design" in found.summary()
    assert found.plot().get_xscale() == "log"
    draft = Draft(math.inf)
    read_causes(found, draft)
    (advice,) = (line for line in draft.advice if line.startswith("Start from small angles"))
    assert "mean loss there" in advice, "a large gradient at a bad place is no gift"
    assert advice.endswith("does not promise a better minimum.")


def test_global_cost_is_found_to_be_the_cause_in_a_product_circuit():
    found = plateau_causes(product_circuit(6), global_projector, seed=0)
    assert found.causes[0] == "a global observable"
    assert "entanglement" not in found.causes


def test_a_healthy_circuit_has_no_causes():
    found = plateau_causes(product_circuit(3), local_observable, distribution=GaussianDistribution(std=1.5), seed=0)
    assert found.causes == ()
    assert "none of the changes" in found.headline()


def made_causes(**gains: tuple[float, float, float]) -> PlateauCauses:
    names = {"local": LOCAL, "shallow": SHALLOW, "both": LOCAL_SHALLOW, "small": SMALL, "product": PRODUCT}
    one = Estimate.exact(1.0)
    changes = tuple(
        Change(*names[key], one, Estimate(value, math.nan, low, high), one) for key, (low, value, high) in gains.items()
    )
    return PlateauCauses(4, one, one, 1.0, one, "none", "", changes)


def test_what_is_not_shown_to_help_is_not_said_not_to_help():
    found = made_causes(
        local=(1.6, 4.23, 24.3), shallow=(0.9, 1.2, 1.9), small=(0.0, math.nan, math.inf), product=(2.1, 3.0, 4.0)
    )
    said = {name: meaning for name, _, meaning in found.rows()}
    assert said["Observable on one qubit"] == "not shown to help by a factor 2"
    assert said["One layer"] == "does not help by a factor 2"
    assert said["Small Gaussian angles"] == "too little was seen to tell"
    assert "nan" not in found.summary()
    assert found.headline().endswith(
        "what raises the square of a typical derivative by 2 or more: no entangling gates."
    )
    assert "is shown to raise" in made_causes(local=(1.6, 4.23, 24.3)).headline()
    assert "none of the changes raises" in made_causes(shallow=(0.9, 1.2, 1.9)).headline()


def test_two_changes_at_once_are_named_only_if_they_do_more_than_one():
    assert made_causes(local=(2.04, 2.63, 3.31), both=(2.34, 3.05, 3.87)).causes == ("a global observable",)
    assert made_causes(local=(0.8, 1.0, 1.3), both=(2.34, 3.05, 3.87)).causes == (
        "a global observable together with depth",
    )


def test_two_design_variance_is_the_haar_formula():
    assert two_design_variance(Pauli("ZZ"), 2) == pytest.approx(1 / 5)
    assert two_design_variance(SparsePauliOp(["II", "ZI"], [3.0, 2.0]), 2) == pytest.approx(4 / 5)
    projector = global_projector(3)
    assert two_design_variance(projector, 3) == pytest.approx((1 - 1 / 8) / 72)
    diagonal = np.zeros(8)
    diagonal[0] = 1.0
    assert two_design_variance(diagonal, 3) == pytest.approx((1 - 1 / 8) / 72)


def test_study_is_plain_data_text_and_a_picture():
    study = scaling_study(product_circuit, averaged_local_observable, widths=range(2, 8), seed=0, extrapolate_to=50)
    data = json.loads(json.dumps(study.to_dict(), allow_nan=False))
    assert data["verdict"] == study.verdict
    assert "points" not in data
    assert study.plot().get_yscale() == "log"
    assert "AICc" in study.summary()


def test_mistakes_in_a_study_are_named():
    with pytest.raises(ValueError, match="widths must hold at least one"):
        scaling_study(product_circuit, local_observable, widths=[])
    with pytest.raises(TypeError, match="setting reps"):
        scaling_study(product_circuit, local_observable, depths=3)
    with pytest.raises(ValueError, match="'auto', 'states', 'walks' or 'propagation'"):
        scaling_study(product_circuit, local_observable, method="magic")
    with pytest.raises(ValueError, match="'loss' or 'gradient'"):
        scaling_study(product_circuit, local_observable, quantity="mean")


@pytest.mark.parametrize("unit", [1.0, 1e-8, 1e8])
def test_tiny_variances_of_wide_circuits_are_a_plateau_in_every_unit_and_not_rounding(unit):
    def parity(num_qubits):
        return unit * global_observable(num_qubits)

    study = scaling_study(product_circuit, parity, widths=[10, 20, 40, 60, 80, 160], seed=0, num_samples=20)
    assert study.verdict == "barren plateau"
    assert study.judgement.chosen.rate.value == pytest.approx(np.log(2), rel=1e-3)
