"""Whether walks of Pauli strings take a circuit and an observable, and if not, why."""

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.diagnostics.moments.program import MomentProgram, moment_program
from qiskit_qml_ext.diagnostics.moments.walk_jobs import check_pairs, pauli_terms
from qiskit_qml_ext.diagnostics.subject.problem import ObservableFamily, Parameters, Problem, Trainable, pose
from qiskit_qml_ext.exceptions import UnsupportedCircuitError


@check_arguments()
def why_no_second_moments(
    circuit: Trainable,
    observable: ObservableFamily,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    parameters: Parameters = "all",
    depolarizing: tuple[float, float] = (0.0, 0.0),
) -> str | None:
    """Say why :func:`second_moments` does not take a circuit, without a walk.

    Args:
        circuit: See :func:`second_moments`, as the other arguments.
        observable: An observable, or a function from the number of qubits to one.
        num_qubits: The width, for all but a plain circuit.
        distribution: The distribution of the angles.
        parameters: The derivatives that are wanted.
        depolarizing: The probabilities of depolarising noise.

    Returns:
        The message of the error that :func:`second_moments` would raise; None if it takes the circuit.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument does not fit.

    Examples:
        >>> from qiskit_qml_ext.circuits import QAOAAnsatz, RealAmplitudesAnsatz
        >>> from qiskit_qml_ext.diagnostics import local_observable, why_no_second_moments
        >>> why_no_second_moments(RealAmplitudesAnsatz(), local_observable, num_qubits=4) is None
        True
        >>> print(why_no_second_moments(QAOAAnsatz(), local_observable, num_qubits=4)[:36])
        The parameter θ[0] drives 4 rotation
    """
    try:
        problem = pose(circuit, observable, num_qubits=num_qubits, distribution=distribution, parameters=parameters)
    except UnsupportedCircuitError as refusal:
        return str(refusal)
    return why_not_walkable(problem, depolarizing)


def why_not_walkable(
    problem: Problem, noise: tuple[float, float] = (0.0, 0.0), *, with_means: bool = False
) -> str | None:
    """Return the message of the error of :func:`walkable`, or of :func:`program_of_means` if means are wanted too."""
    try:
        walkable(problem, noise)
        if with_means:
            program_of_means(problem)
    except (TypeError, ValueError) as error:  # the package's refusals are of these kinds
        return str(error)
    return None


def walkable(problem: Problem, noise: tuple[float, float]) -> tuple[dict[tuple[int, int], float], MomentProgram]:
    """Return the terms of a problem's observable and what their walks run through.

    Raises:
        TypeError: If the observable is no Pauli sum.
        UnsupportedCircuitError: If the circuit is not of the form that walks take.
        ValueError: If the distribution is not independent, or the observable changes nothing.
    """
    terms = pauli_terms(problem.observable)
    program = moment_program(problem.circuit, problem.distribution, absorb=len(terms) == 1, damping=1 - noise[0])
    check_pairs(program, terms, noise)
    return terms, program


def program_of_means(problem: Problem) -> MomentProgram:
    """Return what the means of derivatives run through; it refuses what :func:`walkable` does, and some more."""
    return moment_program(problem.circuit, problem.distribution, absorb=False)
