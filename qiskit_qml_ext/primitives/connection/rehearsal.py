"""What the service would say of circuits, without running them on the device."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.exceptions import AngleOutOfRangeError, UnsupportedCircuitError
from qiskit_qml_ext.primitives.connection.connection import Connection
from qiskit_qml_ext.primitives.journal.service.timed_calls import within
from qiskit_qml_ext.primitives.pub_values import SAMPLER_VALUES, checked_pubs
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS
from qiskit_qml_ext.primitives.targets.angle_limits import refuse_angles, with_angle_limits
from qiskit_qml_ext.primitives.targets.checked_primitives import SAMPLER


@dataclass(frozen=True)
class Rehearsal:
    """What came of a rehearsal."""

    accepted: bool
    """Whether nothing speaks against the circuits."""
    by: str
    """Who said so: ``"service"`` after a dry run there, ``"rules"`` where only its known rules could be held against
    the circuits."""
    reason: str
    """Why they are refused, or why the service was not asked; empty if it accepted them."""


@check_arguments()
def rehearse(connection: Connection, pubs: Iterable[SamplerPubLike], *, max_seconds: float = 300.0) -> Rehearsal:
    """Let circuits be checked as a job would be, at no cost: nothing runs on the device.

    Known rules come first: gates, couplings, angles, registers, options that do not go together. What they let pass
    goes to the service as the client's dry run, where the client (0.50 and later) and the account have it: IBM
    restricts dry runs to some accounts. Where it is not asked, the executions that it takes in a job are a rule too:
    of all circuits together, as ``connection.sampler.run`` submits them, or of each job into which a journal cuts them.

    Args:
        connection: From :func:`~qiskit_qml_ext.primitives.connect`.
        pubs: Circuits with parameter values, as for a sampler; they are transpiled as by
            :meth:`Connection.isa_circuit`.
        max_seconds: How long to wait for the service's answer.

    Returns:
        What came of it.

    Raises:
        TimeoutError: If the service takes longer.
    """
    given = [SamplerPub.coerce(pub, connection.shots or DEFAULT_SHOTS) for pub in checked_pubs(pubs, SAMPLER_VALUES)]
    target, made = connection.target, [connection._circuits.pub(pub)[0] for pub in given]
    limited = with_angle_limits(connection.device)
    try:
        for pub in made:
            target.refuse_circuit(pub.circuit, SAMPLER)
            if limited is not None:
                refuse_angles(pub.circuit, limited, pub.parameter_values)
    except (UnsupportedCircuitError, AngleOutOfRangeError) as error:
        return Rehearsal(False, "rules", str(error))
    answer = within(max_seconds, lambda: target.dry_run(made))
    if answer.accepted is None:
        try:
            target.refuse_job(_largest_job(connection, made))
        except ValueError as error:
            return Rehearsal(False, "rules", str(error))
    return Rehearsal(answer.accepted is not False, "rules" if answer.accepted is None else "service", answer.reason)


def _largest_job(connection: Connection, pubs: Sequence[SamplerPub]) -> int:
    """Return the executions of the largest job that a sampler of a connection makes of PUBs."""
    sizes = [(pub.size, connection.target.shots_run(pub.shots)) for pub in pubs]
    if connection._journaling is None:
        return sum(number * shots for number, shots in sizes)
    most = connection.max_executions_per_job
    totals: dict[int, int] = {}
    for number, shots in sizes:
        totals[shots] = totals.get(shots, 0) + number
    return max((shots * min(number, max(1, most // shots)) for shots, number in totals.items()), default=0)
