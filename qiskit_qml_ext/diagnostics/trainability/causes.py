"""Why is the landscape flat? One change at a time, and what each would bring."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, SparsePauliOp
from sklearn.base import clone

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import Ansatz, GaussianDistribution, InitialDistribution, without_entanglement
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result, counted
from qiskit_qml_ext.diagnostics.subject.network import InputsFromData
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import Noise
from qiskit_qml_ext.diagnostics.subject.observables import local_observable, weight_of
from qiskit_qml_ext.diagnostics.subject.problem import (
    ObservableFamily,
    Parameters,
    Trainable,
    build_circuit,
    build_observable,
    natural_distribution,
    pose,
)
from qiskit_qml_ext.diagnostics.trainability.gradient_variance import GradientVariance, gradient_variance
from qiskit_qml_ext.diagnostics.trainability.initializations import ratio
from qiskit_qml_ext.diagnostics.trainability.noise_damping import NoiseDamping, noise_damping
from qiskit_qml_ext.engine import Observable, Projector
from qiskit_qml_ext.engine.observables import simplified

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MATTERS = 2.0
"""A change is called a cause if it multiplies the square of a typical derivative by this or more, with confidence."""


@dataclass(frozen=True)
class Change:
    """The expected squared gradient after one change."""

    name: str
    """What was changed."""
    cause: str
    """What the change takes away."""
    advice: str
    """What to try if it helps."""
    squared_gradient: Estimate
    """E ‖∇C‖² afterwards."""
    gain: Estimate
    """E (∂C)² of a typical derivative (‖∇C‖² divided by the number of parameters), relative to before."""
    before: Estimate
    """E ‖∇C‖² without the change: of the circuit without noise, or with noise where noise is what is taken away."""
    subset: str = ""
    """What the gain was measured on, where not on all points."""
    loss_mean: Estimate | None = None
    """E C afterwards, where the change is one of the initial angles: a large gradient at a bad place is no gift."""

    @property
    def helps(self) -> bool:
        """Whether the gain is at least a factor 2 beyond doubt."""
        return self.gain.low >= _MATTERS

    @property
    def outcome(self) -> str:
        """What follows: what to try, or that the change does not help, is not shown to, or was not seen."""
        if math.isnan(self.gain.value):
            return "too little was seen to tell"
        if self.helps:
            return self.advice
        return "does not help by a factor 2" if self.gain.high < _MATTERS else "not shown to help by a factor 2"


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

    @property
    def causes(self) -> tuple[str, ...]:
        """The causes that were found, the strongest first; several changes may cure the same plateau."""
        return tuple(change.cause for change in self.helpful)

    @property
    def helpful(self) -> tuple[Change, ...]:
        """The changes that help beyond doubt; two at once only if they do more than either is found to do alone."""
        alone = max((one.gain.value for one in self.changes if one.name in (_LOCAL[0], _SHALLOW[0])), default=0.0)
        return tuple(
            one for one in self.changes if one.helps and not (one.name == _LOCAL_SHALLOW[0] and one.gain.low <= alone)
        )

    def headline(self) -> str:
        """Return the finding in one sentence."""
        where = f"At {counted(self.num_qubits, 'qubit')} (Var C = {self.variance}{' without noise' * bool(self.noise)})"
        if self.causes:
            names = _listed([change.name[0].lower() + change.name[1:] for change in self.helpful])
            return f"{where} what raises the square of a typical derivative by 2 or more: {names}."
        if all(change.gain.high < _MATTERS for change in self.changes):
            return f"{where} none of the changes raises the square of a typical derivative by 2."
        return f"{where} none of the changes is shown to raise the square of a typical derivative by 2 or more."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the gain of each change, and what to do."""
        ratio_text = f"{self.two_design_ratio.value:.3g} {self.two_design_ratio.interval()}"
        found = [("Var C relative to a 2-design", ratio_text, "near 1: as flat as a random unitary")]
        for change in self.changes:
            text = f"(∂C)² × {change.gain.value:.3g} {change.gain.interval()}"
            if math.isnan(change.gain.value):
                text = "(∂C)²: not known"
            found.append((change.name, text, change.outcome))
        found += [
            ("Noise", self.noise, f"seen at {change.subset}; all other changes start without it")
            for change in self.changes
            if change.subset
        ]
        return found

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
    ansatz: Trainable,
    observable: ObservableFamily,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    noise: "Noise | None" = None,
    parameters: Parameters = "all",
    num_samples: int = 200,
    confidence: float = 0.95,
    seed: int | None = None,
) -> PlateauCauses:
    """Change one thing at a time and see what it does to the expected square of a typical derivative.

    The changes: an observable on one qubit (cost locality), one layer (depth), both together, small Gaussian angles
    (the initial distribution) and no entangling gates (entanglement). A change that does not apply is left out. Squares
    are divided by the number of parameters, since a circuit of fewer layers has fewer of them. With ``noise`` there is
    one more, no noise: the squared gradient without noise beside that with noise, at some of the same points and
    parameters; all other changes start from the circuit without noise. How noise grows with the depth says
    :func:`noise_induced_plateau`.

    Args:
        ansatz: A circuit, a template, or a function from the number of qubits to a circuit.
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
        >>> found = plateau_causes(product, global_projector, num_qubits=7, seed=0)
        >>> "a global observable" in found.causes
        True
    """
    circuit = build_circuit(ansatz, num_qubits)
    width = int(circuit.num_qubits)
    chosen = natural_distribution(ansatz, circuit) if distribution is None else distribution
    measured = build_observable(observable, width)
    *first_seeds, noise_seed = (int(one) for one in np.random.SeedSequence(seed).generate_state(7))
    seeds = iter(first_seeds)

    trained = {circuit.parameters[column].name for column in pose(circuit, measured, parameters=parameters).columns}

    def measure(
        changed: Trainable, what: ObservableFamily, angles: InitialDistribution, own: int | None = None
    ) -> GradientVariance:
        built = build_circuit(changed, width)
        kept = [column for column, parameter in enumerate(built.parameters) if parameter.name in trained]
        return gradient_variance(
            built,
            what,
            distribution=angles,
            parameters="all" if parameters == "all" else kept,
            num_samples=num_samples,
            confidence=confidence,
            seed=next(seeds) if own is None else own,
        )

    damping = None
    if noise is not None and circuit.num_parameters:
        problem = pose(circuit, measured, distribution=chosen, parameters=parameters)
        damping = noise_damping(problem, noise, num_samples=num_samples, confidence=confidence, seed=noise_seed)
    now = measure(circuit, measured, chosen, seed)  # the points that gradient_variance has with this seed
    weight = max(weight_of(measured, width), 1)
    small: InitialDistribution = GaussianDistribution(weight)
    if isinstance(chosen, InputsFromData):
        small = InputsFromData(chosen.X, chosen.inputs, small)
    found = [(_SMALL, measure(circuit, measured, small))]
    if weight > 2:
        found.append((_LOCAL, measure(circuit, local_observable, chosen)))
    if isinstance(ansatz, Ansatz) and int(ansatz.get_params().get("reps", 1)) > 1:
        shallow = clone(ansatz).set_params(reps=1)
        found.append((_SHALLOW, measure(shallow, measured, chosen)))
        if weight > 2:
            found.append((_LOCAL_SHALLOW, measure(shallow, local_observable, chosen)))
    if width > 1:
        found.append((_PRODUCT, measure(_product(circuit), measured, chosen)))
    changes = [
        Change(
            *words,
            after.squared_gradient,
            _gain(after, now),
            now.squared_gradient,
            loss_mean=after.loss_mean if words is _SMALL else None,
        )
        for words, after in found
    ]
    if damping is not None:
        changes.append(_without_noise(damping, now.squared_gradient))
    changes.sort(key=lambda change: -change.gain.low)
    reference = two_design_variance(measured, width)
    return PlateauCauses(
        num_qubits=width,
        variance=now.loss_variance,
        squared_gradient=now.squared_gradient,
        two_design_variance=reference,
        two_design_ratio=ratio(now.loss_variance, Estimate.exact(reference)),
        symmetry=getattr(ansatz, "symmetry", "none"),
        noise="" if damping is None else damping.noise,
        changes=tuple(changes),
        loss_mean=now.loss_mean,
    )


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


_LOCAL = ("Observable on one qubit", "a global observable", "write the cost as a sum of local terms")
_SHALLOW = ("One layer", "depth", "use fewer layers, or add them one by one during training")
_LOCAL_SHALLOW = (
    "One qubit, one layer",
    "a global observable together with depth",
    "write the cost as a sum of local terms and use fewer layers, both at once",
)
_SMALL = ("Small Gaussian angles", "angles spread over the whole period", "start from small angles")
_PRODUCT = (
    "No entangling gates",
    "entanglement",
    "entangle fewer qubits, or use an ansatz with the problem's symmetry",
)


_NOISE = ("No noise", "noise", "use fewer or better two-qubit gates, fewer layers, or error mitigation")


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
        return Change(*_NOISE, clean, gain, left if known else clean, subset)
    gain = Estimate(
        1 / left.value, left.standard_error / left.value**2, 1 / left.high, 1 / max(left.low, 1e-300), left.method
    )
    # before/clean and clean are independent up to the points they share; their intervals join on a logarithmic scale
    before = ratio(clean, gain) if clean.value > 0 else Estimate.exact(0.0)
    return Change(*_NOISE, clean, gain, before, subset)


def _product(circuit: QuantumCircuit) -> QuantumCircuit:
    product = without_entanglement(circuit)
    if not isinstance(product, QuantumCircuit):
        raise TypeError(f"A circuit without entanglement should be a circuit, but is a {type(product).__name__}.")
    return product


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
