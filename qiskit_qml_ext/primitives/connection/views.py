"""Other views of one connection: circuits, results, limits and usage are shared."""

from dataclasses import replace

from qiskit_qml_ext.primitives.connection.connection import Connection


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
    return connection._view(_journaling=connection._journaling.as_new_program())
