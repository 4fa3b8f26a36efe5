"""What one gradient of an ansatz or the matrix of a kernel takes on a given backend, without running it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import PauliList

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.diagnostics.kernels.concentration import KernelConcentration
from qiskit_qml_ext.diagnostics.kernels.noise import at_least
from qiskit_qml_ext.diagnostics.moments.second_moments import SecondMoments
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result, counted, rounded
from qiskit_qml_ext.diagnostics.subject.problem import Parameters, pose
from qiskit_qml_ext.diagnostics.subject.samples import num_different
from qiskit_qml_ext.diagnostics.subject.shot_noise import in_words, measured_groups
from qiskit_qml_ext.diagnostics.trainability.gradient_variance import GradientVariance
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.exceptions import QmlExtError
from qiskit_qml_ext.kernels import ChangesTarget, FidelityKernel, PlansRuns
from qiskit_qml_ext.kernels.abilities import lacking, planned
from qiskit_qml_ext.kernels.plan import USELESS_SHOTS, shots_to_tell_apart
from qiskit_qml_ext.primitives import Connection, RunPlan
from qiskit_qml_ext.primitives.pricing import SHOTS_PER_SECOND
from qiskit_qml_ext.program import circuit_with_free_angles, driven_rotations, lower

_POINTLESS = 0.01  # with fewer intact shots the signal is a hundredth: 10,000 times the shots bring it back
_HARMLESS = 0.7  # the signal is hardly smaller: at most twice the shots


@dataclass(frozen=True)
class Price:
    """What a piece of work takes on a backend, in words and, where it could be planned, in numbers."""

    sentences: tuple[str, ...]
    """The price in words, or why there is none."""
    plan: RunPlan | None
    """The plan; None if none could be made."""


def gradient_price(
    circuit: QuantumCircuit,
    observable: Observable,
    shots: float,
    connection: Connection,
    *,
    parameters: Parameters = "all",
    price_per_minute: float | None = None,
) -> Price:
    """Plan one gradient by parameter shifts; nothing runs.

    Each use of a parameter in a rotation takes two readings (Schuld et al., arXiv:1811.11184), each reading one circuit
    for every group of terms that can be measured together qubit by qubit. The circuit that measures most qubits stands
    for all. The share of shots without errors counts only the gates that this observable can see.

    Args:
        circuit: The circuit.
        observable: The loss.
        shots: Shots of each circuit; may be infinite.
        connection: Where it would run.
        parameters: ``"all"``, or positions in ``circuit.parameters`` of those that are trained.
        price_per_minute: The price of a minute of processor time.
    """
    problem = _not_plannable(shots, connection)
    if problem:
        return Price((problem,), None)
    try:
        measured, readings = gradient_circuits(circuit, observable, parameters)
        if not readings:
            return Price((f"On {connection.target_name}: nothing can be differentiated, so there is no price.",), None)
        plan = connection.plan([_points(measured, readings, int(shots))], price_per_minute=price_per_minute)
        cone = light_cone(connection.isa_circuit(measured))
        plan = replace(plan, error_free=connection.plan([_points(cone, 1, 1)]).error_free)
    except (QmlExtError, QiskitError, ValueError, TypeError) as error:
        return Price((_refusal(connection, error),), None)
    what = "one gradient by parameter shifts" + " for each sample" * (parameters != "all")
    return Price((*_sentences(plan, what), *_errors(plan, shrinks=True)), plan)


def kernel_price(
    kernel: object,
    X: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    shots: float,
    connection: Connection,
    *,
    price_per_minute: float | None = None,
    entries: tuple[float, float] | None = None,
    simulated: Estimate | None = None,
) -> Price:
    """Plan the matrix of a kernel; nothing runs.

    Args:
        kernel: A :class:`~qiskit_qml_ext.kernels.FidelityKernel`, another kernel that can plan and change its target,
            or a feature map whose fidelity kernel is meant.
        X: The samples, shape (n, features).
        shots: Shots of each circuit, enough without errors; may be infinite.
        connection: Where it would run.
        price_per_minute: The price of a minute of processor time.
        entries: Mean and variance of the entries, where they are known.
        simulated: How many times as many shots it takes with noise, where that was simulated; it takes the place of the
            estimate from reported errors.
    """
    problem = _not_plannable(shots, connection)
    if problem:
        return Price((problem,), None)
    there = FidelityKernel(kernel) if isinstance(kernel, FeatureMap) else kernel
    if not isinstance(there, PlansRuns) or not isinstance(there, ChangesTarget):
        missing = ", ".join(lacking(there, PlansRuns, ChangesTarget))
        problem = f"there is no price for a {type(kernel).__name__}, which lacks {missing}"
        return Price((f"On {connection.target_name}: {problem}.",), None)
    try:
        moved = there.with_connection(connection)
        plan = planned(moved, X, shots=int(shots), price_per_minute=price_per_minute, entries=entries)
    except (QmlExtError, QiskitError, ValueError, TypeError) as error:
        return Price((_refusal(connection, error),), None)
    if entries is not None and simulated is not None:
        # the last advice is about entries, with the errors that the device reports
        plan = replace(plan, advice=(*plan.advice[:-1], _with_noise(plan, simulated)))
    elif entries is not None and plan.error_free is not None:
        needed = shots_to_tell_apart(*entries, intact=plan.error_free)
        if plan.shots < needed <= USELESS_SHOTS and (effort := _effort(plan, needed / plan.shots)):
            plan = plan.with_advice(f"With {needed:,.0f} shots of each circuit that is {effort}.")
    what = f"the kernel matrix of {samples_in_words(X)}"
    return Price((*_sentences(plan, what), *_errors(plan, shrinks=False)), plan)


def samples_in_words(X: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> str:
    """Return how many samples there are, and how many of them are different: equal ones are measured once."""
    distinct = num_different(X)
    return f"{len(X):,} samples{f' ({distinct:,} of them different)' * (distinct < len(X))}"


def _with_noise(plan: RunPlan, factor: Estimate) -> str:
    """Say how many shots it takes with simulated noise: no more than a lower limit if there is no upper one."""
    known = math.isfinite(factor.high)
    if not known and not factor.low > 0:
        return "How many shots it takes with the noise that was simulated is not known."
    times = factor.value if known else factor.low
    shots = f"{'about' if known else 'at least'} {rounded(max(times * plan.shots, 1.0))}"
    effort = _effort(plan, times)
    return (
        f"With the noise that was simulated it takes {at_least(factor)} times as many shots of each circuit until the "
        f"error of an entry is half of the spread, {shots}{f': {effort}' if effort else ''}."
    )


def _effort(plan: RunPlan, factor: float) -> str:
    """Return what a plan takes with so many times as many shots; empty if that is not known."""
    seconds, cost = plan.seconds_with(factor), plan.cost_with(factor)
    time = "" if seconds is None else f"about {duration(seconds)} of processor time"
    return time + ("" if cost is None else f", cost about {_money(cost)}")


def _money(cost: float) -> str:
    """Return a cost with two digits: no estimate of a price is better."""
    return f"{cost:.2g}" if cost < 10 else rounded(cost)


def gradient_shots(evidence: Mapping[str, Result]) -> float:
    """Return the shots at which a typical derivative is as large as its noise, from what was measured; or inf."""
    for result in evidence.values():
        if isinstance(result, GradientVariance) or (isinstance(result, SecondMoments) and result.num_hits):
            return result.shots_for()
    return math.inf


def gradient_in_shots(gradients: GradientVariance | SecondMoments) -> list[str]:
    """Return the price of one gradient without a device, with as many circuits and shots as the one on a backend."""
    shots, noise = gradients.shots_for(), gradients.shot_noise
    if not math.isfinite(shots) or not noise.num_circuits:
        return []
    total, number = noise.num_circuits * shots, len(gradients.parameters)
    at_most = gradients.shots_at_most if isinstance(gradients, SecondMoments) else noise.derivatives_at_most
    most = "at most " * at_most
    each = " for each sample" * (isinstance(gradients, GradientVariance) and number < gradients.circuit.num_parameters)
    return [
        f"One gradient of {number:,} parameter{'s' * (number != 1)} by parameter shifts{each}: "
        f"{noise.num_circuits:,} circuits of {most}{in_words(shots)} shot{'s' * (shots != 1)}, {in_words(total)} in "
        f"all, about {duration(total / SHOTS_PER_SECOND)} at {SHOTS_PER_SECOND:,} shots a second, queues not counted."
    ]


def kernel_shots(evidence: Mapping[str, Result]) -> float:
    """Return the shots at which the error of an entry is half of the spread, from what was measured; or inf."""
    for result in evidence.values():
        if isinstance(result, KernelConcentration):
            return result.last.shots.to_tell_apart
    return math.inf


def gradient_circuits(
    circuit: QuantumCircuit, observable: Observable, parameters: Parameters = "all"
) -> tuple[QuantumCircuit, int]:
    """Return the circuit of one reading of a gradient by parameter shifts, and how many readings there are.

    Args:
        circuit: The circuit.
        observable: The loss.
        parameters: ``"all"``, or positions in ``circuit.parameters`` of those to differentiate by.

    Returns:
        The circuit, with a free angle for every rotation and the measurement of the group on most qubits; and twice
        the number of rotations that depend on one of these parameters times the number of groups.
    """
    program = lower(circuit)
    columns = pose(circuit, observable, parameters=parameters).columns
    rotations = int(np.count_nonzero(driven_rotations(program, columns)))
    groups = measured_groups(observable, program.num_qubits)
    measured = circuit_with_free_angles(program)
    if groups:
        _measure(measured, max((group.paulis for group in groups), key=lambda group: int(_support(group).sum())))
    return measured, 2 * rotations * len(groups)


def light_cone(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a circuit without the gates that cannot reach a measured qubit any more; the argument is not changed."""
    seen: set[object] = set()
    kept = []
    for item in reversed(circuit.data):
        if item.operation.name == "measure" or (item.operation.name != "barrier" and seen.intersection(item.qubits)):
            seen.update(item.qubits)
            kept.append(item)
    cone = circuit.copy_empty_like()
    for item in reversed(kept):
        cone.append(item)
    return cone


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for size, unit in ((31_557_600.0, "years"), (86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{rounded(seconds / size) if seconds >= 1e4 * size else f'{seconds / size:,.0f}'} {unit}"
    whole = max(math.ceil(seconds), 1)
    return f"{whole:,} second" + "s" * (whole > 1)


def _support(group: PauliList) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    return np.asarray((group.x | group.z).any(axis=0))


def _measure(circuit: QuantumCircuit, group: PauliList) -> None:
    """Append the change of basis and the measurement of one group."""
    qubits = np.flatnonzero(_support(group)).tolist()
    x, z = group.x.any(axis=0), group.z.any(axis=0)
    for qubit in qubits:
        if x[qubit]:
            if z[qubit]:
                circuit.sdg(qubit)
            circuit.h(qubit)
    circuit.add_register(ClassicalRegister(len(qubits)))
    circuit.measure(qubits, range(len(qubits)))


def _points(circuit: QuantumCircuit, number: int, shots: int) -> tuple[object, ...]:
    """A PUB of so many circuits; what their angles are does not change their price."""
    names = tuple(parameter.name for parameter in circuit.parameters)
    if not names:
        return circuit, np.zeros((number, 0)), shots
    return circuit, {names: np.broadcast_to(0.0, (number, len(names)))}, shots


def _not_plannable(shots: float, connection: Connection) -> str:
    if connection.is_exact:
        return f"On {connection.target_name}: results are exact, so there are no shots to pay for."
    if not math.isfinite(shots):
        return f"On {connection.target_name}: no number of shots is known to be enough, so there is no price."
    return ""


def _refusal(connection: Connection, error: Exception) -> str:
    return f"On {connection.target_name} this cannot be run: {' '.join(str(error).split())}"


def _sentences(plan: RunPlan, what: str) -> Iterable[str]:
    if not plan.circuits:
        yield f"On {plan.target} {what} takes no circuits: everything was measured before."
        return
    time = "" if plan.seconds is None else f", about {duration(plan.seconds)} of processor time, queues not counted"
    cost = "" if plan.cost is None else f", cost about {_money(plan.cost)}"
    yield (
        f"On {plan.target} {what} takes {counted(plan.circuits, 'circuit')} of {counted(plan.shots, 'shot')}: "
        f"{counted(plan.executions, 'execution')} in {counted(plan.jobs, 'job')}{time}{cost}."
    )
    gates = counted(plan.two_qubit_gates, "two-qubit gate") if plan.two_qubit_gates else "no two-qubit gate"
    free = "" if plan.error_free is None else f"; by the reported errors, {_share(plan.error_free)} are free of errors"
    yield f"There a circuit has {gates} and depth {plan.depth:,}{free}."
    yield from plan.advice


def _errors(plan: RunPlan, *, shrinks: bool) -> Iterable[str]:
    """What the errors mean; a kernel's plan says itself how they shrink its signal."""
    if plan.error_free is None or not plan.circuits:
        return
    if plan.error_free < _POINTLESS:
        yield (
            "If an error leaves nothing of the signal, this is pointless as it is: almost every shot has an error. Use "
            "fewer qubits or layers, better qubits (a higher optimization level looks for them), or another device "
            "first."
        )
    elif shrinks and plan.error_free < _HARMLESS:
        factor = plan.error_free**-2
        effort = _effort(plan, factor)
        yield (
            f"If an error leaves nothing of the signal, about {plan.error_free:.0%} of it is left, and it takes about "
            f"{factor:.2g} times as many shots to see it{f': {effort}' if effort else ''}."
        )


def _share(fraction: float) -> str:
    return "fewer than 1 in 1,000 shots" if fraction < 1e-3 else f"about {100 * fraction:.2g} % of the shots"
