"""How a connection uses its target."""

from dataclasses import dataclass

from qiskit_qml_ext.checks import LARGEST_SEED, optional_whole_number


@dataclass(frozen=True)
class ConnectionSettings:
    """How a connection uses its target; what they mean in full stands at :func:`~qiskit_qml_ext.primitives.connect`."""

    shots: int | None = None
    """Shots of every circuit; None for exact results or where a primitive of the user's decides."""
    seed: int | None = None
    """The seed of simulators and of the transpiler."""
    optimization_level: int = 1
    """The transpiler's level, 0 to 3."""
    transpile_trials: int = 1
    """How often each circuit is transpiled, to keep the best."""
    packing: bool | int = False
    """Whether copies of a circuit run side by side, and how many at the most."""
    packing_buffer: int = 1
    """How many qubits lie free between two copies."""
    max_executions_per_job: int = 10_000_000
    """The largest number of circuits times shots in one job."""

    def __post_init__(self) -> None:
        optional_whole_number("seed", self.seed, minimum=0, maximum=LARGEST_SEED)
