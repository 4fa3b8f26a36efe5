"""Why is the landscape flat? One change at a time, and what each would bring."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, SparsePauliOp
from sklearn.base import clone

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import Ansatz, GaussianDistribution, InitialDistribution, without_entanglement
from qiskit_qml_ext.diagnostics.results.result import UNKNOWN, Estimate, Result, counted
from qiskit_qml_ext.diagnostics.subject.network import InputsFromData
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import Noise
from qiskit_qml_ext.diagnostics.subject.observables import local_observable, weight_of
from qiskit_qml_ext.diagnostics.subject.problem import (
    ObservableFamily,
    Parameters,
    Problem,
    Trainable,
    build_circuit,
    natural_distribution,
    pose,
)
from qiskit_qml_ext.diagnostics.trainability.changes import (
    LOCAL,
    LOCAL_SHALLOW,
    MATTERS,
    NOISE,
    PRODUCT,
    SHALLOW,
    SMALL,
    Change,
    ChangeWords,
)
from qiskit_qml_ext.diagnostics.trainability.gradient_variance import GradientVariance, gradient_variance
from qiskit_qml_ext.diagnostics.trainability.initializations import ratio
from qiskit_qml_ext.diagnostics.trainability.noise_damping import NoiseDamping, noise_damping
from qiskit_qml_ext.engine import Observable, Projector
from qiskit_qml_ext.engine.observables import simplified

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class PlateauCauses(Result):
    """What makes the gradient small at one width, from :func:`plateau_causes`."""

    num_qubits: int
    """The number of qubits."""
    variance: Estimate
    """Var C as it is."""
    squared_gradient: Estimate
    """E ‖∇C‖² as it is."""
    two_design_variance: float
    """Var C if the circuit were a 2-design, the most expressive there is."""
    two_design_ratio: Estimate
    """Var C divided by that: near 1 the circuit is as flat as a random unitary."""
    symmetry: str
    """The symmetry of the ansatz in words."""
    noise: str
    """The noise that was looked at, in words; empty for none. Everything but the change "No noise" is without it."""
    changes: tuple[Change, ...]
    """The changes, the most helpful first."""
    loss_mean: Estimate | None = None
    """E C as it is."""

    typical: ClassVar[Mapping[str, object]] = {
        "change": "",
        "cause": "",
        "squared_gradient": UNKNOWN,
        "gain": UNKNOWN,
        "helps": False,
    }

    @property
    def causes(self) -> tuple[str, ...]:
        """The causes that were found, the strongest first; several changes may cure the same plateau."""
        return tuple(change.cause for change in self.helpful)

    @property
    def helpful(self) -> tuple[Change, ...]:
        """The changes that help beyond doubt; two at once only if they do more than either is found to do alone."""
        alone = (one.gain.value for one in self.changes if one.key in ("local_observable", "one_layer"))
        most = max(alone, default=0.0)
        both = "local_observable_and_one_layer"
        return tuple(one for one in self.changes if one.helps and not (one.key == both and one.gain.low <= most))

    def headline(self) -> str:
        """Return the finding in one sentence."""
        where = f"At {counted(self.num_qubits, 'qubit')} (Var C = {self.variance}{' without noise' * bool(self.noise)})"
        if self.causes:
            names = _listed([change.name[0].lower() + change.name[1:] for change in self.helpful])
            return f"{where} what raises the square of a typical derivative by 2 or more: {names}."
        if all(change.gain.high < MATTERS for change in self.changes):
            return f"{where} none of the changes raises the square of a typical derivative by 2."
        return f"{where} none of the changes is shown to raise the square of a typical derivative by 2 or more."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the gain of each change, and what to do."""
        ratio_text = f"{self.two_design_ratio.value:.3g} {self.two_design_ratio.interval()}"
        rows = [("Var C relative to a 2-design", ratio_text, "near 1: as flat as a random unitary")]
        for change in self.changes:
            text = f"(∂C)² × {change.gain.value:.3g} {change.gain.interval()}"
            if math.isnan(change.gain.value):
                text = "(∂C)²: not known"
            rows.append((change.name, text, change.outcome))
        rows += [
            ("Noise", self.noise, f"seen at {change.subset}; all other changes start without it")
            for change in self.changes
            if change.subset
        ]
        return rows

    def records(self) -> list[dict[str, object]]:
        """Return each change with what it does to the squared gradient."""
        return [
            {
                "change": change.key,
                "cause": change.cause,
                "squared_gradient": change.squared_gradient,
                "gain": change.gain,
                "helps": change.helps,
            }
            for change in self.changes
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the gain of each change."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, GREY, new_axes

        axes = new_axes(ax)
        for row, change in enumerate(self.changes):
            colour = BLUE if change.helps else GREY
            axes.plot([max(change.gain.low, 1e-12), change.gain.high], [row, row], color=colour, lw=2)
            axes.plot(change.gain.value, row, "o", color=colour)
        axes.axvline(1.0, color=GREY, lw=1, ls=(0, (4, 3)))
        axes.set_yticks(range(len(self.changes)), [change.name for change in self.changes])
        axes.invert_yaxis()
        axes.set(xscale="log", xlabel="factor on the square of a typical derivative")
        return axes


@check_arguments()
def plateau_causes(
    circuit: Trainable,
    observable: ObservableFamily,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    noise: "Noise | None" = None,
    parameters: Parameters = "all",
    num_samples: int = 200,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> PlateauCauses:
    """Change one thing at a time and see what it does to the expected square of a typical derivative.

    The changes: an observable on one qubit (cost locality), one layer (depth), both together, small Gaussian angles
    (the initial distribution) and no entangling gates (entanglement). A change that does not apply is left out. Squares
    are divided by the number of parameters, since a circuit of fewer layers has fewer of them. With ``noise`` there is
    one more, no noise: the squared gradient without noise beside that with noise, at some of the same points and
    parameters; all other changes start from the circuit without noise. How noise grows with the depth says
    :func:`noise_induced_plateau`.

    Args:
        circuit: A circuit, a template, or a function from the number of qubits to a circuit.
        observable: An observable, or a function from the number of qubits to one.
        num_qubits: The width, for all but a plain circuit.
        distribution: The distribution of the angles; by default uniform.
        noise: An Aer ``NoiseModel`` (gates run as they are), an ``AerSimulator`` with noise, or a backend, whose
            reported errors are simulated after transpilation; up to 12 qubits, quick up to 8. Errors of the readout are
            left out. The observable must be a Pauli sum.
        parameters: ``"all"``, or positions in ``circuit.parameters`` of those that are trained: for a circuit with
            inputs, which are then neither differentiated nor made small.
        num_samples: Random points for each variance.
        confidence: The confidence of intervals.
        seed: Seed of everything random.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument does not fit.
        StateTooLargeError: If noise is to be simulated on more than 12 qubits.

    References:
        Cost locality: Cerezo et al., arXiv:2001.00550; expressibility: Holmes et al., arXiv:2101.02138; entanglement:
        Ortiz Marrero et al., arXiv:2010.15968; angles: Zhang et al., arXiv:2203.09376; noise: Wang et al.,
        arXiv:2007.14384.

    Examples:
        >>> from qiskit_qml_ext.circuits import HardwareEfficientAnsatz
        >>> from qiskit_qml_ext.diagnostics import global_projector, plateau_causes
        >>> product = HardwareEfficientAnsatz("x", reps=1, entanglement="none", final_rotations=False)
        >>> study = plateau_causes(product, global_projector, num_qubits=7, seed=0)
        >>> "a global observable" in study.causes
        True
    """
    built = build_circuit(circuit, num_qubits)
    problem = pose(
        built,
        observable,
        distribution=natural_distribution(circuit, built) if distribution is None else distribution,
        parameters=parameters,
    )
    *seeds, noise_seed = (int(one) for one in np.random.SeedSequence(seed).generate_state(7))
    damping = None
    if noise is not None and built.num_parameters:
        damping = noise_damping(problem, noise, num_samples=num_samples, confidence=confidence, seed=noise_seed)
    measure = _Measure(problem, num_samples, confidence, all_parameters=parameters == "all")
    # the points that gradient_variance has with this seed
    now = measure.gradient(_Changed(built, problem.observable, problem.distribution), seed)
    alternatives = [
        (words, measure.gradient(changed, one))
        for (words, changed), one in zip(_changed(circuit, problem), seeds, strict=False)
    ]
    changes = [
        Change(
            *words,
            after.squared_gradient,
            _gain(after, now),
            now.squared_gradient,
            loss_mean=after.loss_mean if words is SMALL else None,
        )
        for words, after in alternatives
    ]
    if damping is not None:
        changes.append(_without_noise(damping, now.squared_gradient))
    changes.sort(key=lambda change: -change.gain.low)
    reference = two_design_variance(problem.observable, problem.num_qubits)
    return PlateauCauses(
        num_qubits=problem.num_qubits,
        variance=now.loss_variance,
        squared_gradient=now.squared_gradient,
        two_design_variance=reference,
        two_design_ratio=ratio(now.loss_variance, Estimate.exact(reference)),
        symmetry=getattr(circuit, "symmetry", "none"),
        noise="" if damping is None else damping.noise,
        changes=tuple(changes),
        loss_mean=now.loss_mean,
    )


@dataclass(frozen=True, eq=False)
class _Changed:
    """What is measured after a change."""

    circuit: Trainable
    observable: ObservableFamily
    distribution: InitialDistribution


@dataclass(frozen=True, eq=False)
class _Measure:
    """How the gradient is measured before and after: by the same parameters, as far as they are left."""

    problem: Problem
    num_samples: int
    confidence: float
    all_parameters: bool

    def gradient(self, changed: _Changed, seed: int | None) -> GradientVariance:
        circuit = build_circuit(changed.circuit, self.problem.num_qubits)
        names = self.problem.circuit.parameters
        trained = {names[column].name for column in self.problem.columns}
        kept = [column for column, parameter in enumerate(circuit.parameters) if parameter.name in trained]
        return gradient_variance(
            circuit,
            changed.observable,
            distribution=changed.distribution,
            parameters="all" if self.all_parameters else kept,
            num_samples=self.num_samples,
            confidence=self.confidence,
            seed=seed,
        )


def _changed(ansatz: Trainable, problem: Problem) -> "list[tuple[ChangeWords, _Changed]]":
    """The changes that apply, each with what it makes of the problem."""
    circuit, observable, chosen = problem.circuit, problem.observable, problem.distribution
    weight = max(weight_of(observable, problem.num_qubits), 1)
    small: InitialDistribution = GaussianDistribution(weight)
    if isinstance(chosen, InputsFromData):
        small = InputsFromData(chosen.X, chosen.inputs, small)
    alternatives = [(SMALL, _Changed(circuit, observable, small))]
    if weight > 2:
        alternatives.append((LOCAL, _Changed(circuit, local_observable, chosen)))
    if isinstance(ansatz, Ansatz) and int(ansatz.get_params().get("reps", 1)) > 1:
        shallow = clone(ansatz).set_params(reps=1)
        alternatives.append((SHALLOW, _Changed(shallow, observable, chosen)))
        if weight > 2:
            alternatives.append((LOCAL_SHALLOW, _Changed(shallow, local_observable, chosen)))
    if problem.num_qubits > 1:
        alternatives.append((PRODUCT, _Changed(_product(circuit), observable, chosen)))
    return alternatives


def two_design_variance(observable: Observable, num_qubits: int) -> float:
    """Return the variance of ⟨O⟩ over Haar-random pure states, (Tr O² - (Tr O)²/d)/(d(d+1))."""
    d = 2.0**num_qubits
    if isinstance(observable, Projector):
        trace, square = 1.0, 1.0
    elif isinstance(observable, (Pauli, SparsePauliOp)):
        operator = simplified(observable)
        coefficients = np.real(operator.coeffs)
        identity = ~np.any(operator.paulis.x | operator.paulis.z, axis=1)
        trace, square = d * float(coefficients[identity].sum()), d * float(np.sum(coefficients**2))
    else:
        diagonal = np.asarray(observable, dtype=np.float64)
        trace, square = float(diagonal.sum()), float(np.sum(diagonal**2))
    return (square - trace**2 / d) / (d * (d + 1))


def _gain(after: GradientVariance, before: GradientVariance) -> Estimate:
    """The ratio of the squares of a typical derivative."""
    whole = ratio(after.squared_gradient, before.squared_gradient)
    share = len(before.parameters) / max(len(after.parameters), 1)
    return Estimate(
        whole.value * share, whole.standard_error * share, whole.low * share, whole.high * share, whole.method
    )


def _without_noise(damping: NoiseDamping, clean: Estimate) -> Change:
    """The change that takes the noise away: here what was measured is what comes before it."""
    left = damping.remaining
    subset = f"{damping.points} points, one derivative at each"
    if not left.value > 0:
        known = left.value == 0  # all derivatives vanish with noise, or all of them without
        gain = (
            Estimate(math.inf, math.nan, math.inf, math.inf) if known else Estimate(math.nan, math.nan, 0.0, math.inf)
        )
        return Change(*NOISE, clean, gain, left if known else clean, subset)
    gain = Estimate(
        1 / left.value, left.standard_error / left.value**2, 1 / left.high, 1 / max(left.low, 1e-300), left.method
    )
    # before/clean and clean are independent up to the points they share; their intervals join on a logarithmic scale
    before = ratio(clean, gain) if clean.value > 0 else Estimate.exact(0.0)
    return Change(*NOISE, clean, gain, before, subset)


def _product(circuit: QuantumCircuit) -> QuantumCircuit:
    product = without_entanglement(circuit)
    if not isinstance(product, QuantumCircuit):
        raise TypeError(f"A circuit without entanglement should be a circuit, but is a {type(product).__name__}.")
    return product


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
