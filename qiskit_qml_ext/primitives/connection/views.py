"""Other views of one connection: circuits, results, limits and usage are shared."""

from dataclasses import asdict, replace

from qiskit import QuantumCircuit

from qiskit_qml_ext.primitives.connection.connection import Connection
from qiskit_qml_ext.primitives.journal.service.services import LocalService, is_of_runtime
from qiskit_qml_ext.primitives.journal.work.identity import runtime_options
from qiskit_qml_ext.primitives.journal.work.stable import digest_of, stable


def with_new_noise(connection: Connection, seed: int) -> Connection:
    """Return a connection whose simulator draws other random numbers.

    A simulator with a seed repeats its noise at each call. Nothing changes without a seed, or with a journal, which
    makes the seed of each job of what is in it. The transpiler, and what is sampled, keep the old seed.

    Args:
        connection: A connection.
        seed: The seed of its estimator.
    """
    if connection.seed is None or connection._journaling is not None:
        return connection
    return connection._view(_settings=replace(connection._settings, seed=seed))


def as_new_program(connection: Connection) -> Connection:
    """Return a connection that asks its journal as a program does that was started just now.

    What is asked for again through one connection is a repetition, which runs; what a program asks for that is run
    again is taken from the journal.
    """
    if connection._journaling is None:
        return connection
    journaling = connection._journaling.as_new_program()
    return connection._view(_journaling=journaling, _jobs=connection._jobs.with_journaling(journaling))


def with_shots(connection: Connection, shots: int) -> Connection:
    """Return a connection that takes other shots of every circuit; one of exact results draws them."""
    settings = replace(connection._settings, shots=shots)
    return connection._view(_settings=settings, _jobs=connection._jobs.with_settings(settings))


def estimator_content(connection: Connection) -> str:
    """Return a digest of what decides the estimates of a connection, as a journal would know them.

    That is its estimator with its options and, on this machine, its noise; how circuits are transpiled; a pass manager
    of the user's. What is in a journal, and limits of jobs, are left out.

    Raises:
        ValueError: If an estimator of the user's holds what cannot be told from others like it in a later run.
    """
    estimator = connection.target.without_mode().estimator(connection.shots, connection.seed)
    if is_of_runtime(estimator):
        estimator_told: list[object] = [runtime_options(estimator)]
    else:
        local = LocalService(estimator)
        estimator_told = [local.options, local.default]
    settings = {name: one for name, one in asdict(connection._settings).items() if name != "max_executions_per_job"}
    pass_manager = getattr(connection.target, "_pass_manager", None)
    return digest_of(
        [*estimator_told, settings, stable(pass_manager, "The pass manager of the connection", by_code=True)]
    )


def packs_copies(connection: Connection) -> bool:
    """Tell whether a connection runs copies of a circuit side by side, on other qubits than a single one takes."""
    return bool(connection._settings.packing) and connection.device is not None


def copies_side_by_side(connection: Connection, circuit: QuantumCircuit, number: int) -> int:
    """Return how many copies of a circuit a connection runs side by side, of so many vectors of parameter values."""
    packed = connection._circuits.packed(circuit, None, number)
    return 1 if packed is None else packed.copies
