"""A connection's transpilation as Qiskit's own kind of object, for those who take a primitive and a pass manager."""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from qiskit import QuantumCircuit
from qiskit.transpiler import PassManager

from qiskit_qml_ext.checks import quantum_circuit, wrong_kind


class IsaPassManager(PassManager):
    """Makes circuits into a target's own gates as a connection does, once for each distinct content.

    It has :meth:`run` only. There are no passes in it that one could list, change, draw or put together with others:
    whatever asks for them is refused.

    Args:
        make: Returns a circuit in the target's own gates.
    """

    def __init__(self, make: Callable[[QuantumCircuit], QuantumCircuit]):
        self._make = make  # Qiskit's own constructor makes an empty list of passes, which would be run as such

    def run(
        self,
        circuits: Any,
        output_name: str | None = None,
        callback: Callable[..., Any] | None = None,
        num_processes: int | None = None,
        *,
        property_set: dict[str, object] | None = None,
    ) -> Any:
        """Return the circuit, or each of several in a list, in the target's own gates.

        Args:
            circuits: One circuit or several; they are not changed.
            output_name: Refused unless ``None``: what was transpiled once is handed to all who ask for it.
            callback: Refused unless ``None``: there are no passes to tell it of.
            num_processes: The largest number of processes; this one is enough.
            property_set: Refused unless ``None``, for the same reason as ``callback``.

        Raises:
            TypeError: If something else than circuits came, or an argument that is refused.
        """
        for name, value in (("output_name", output_name), ("callback", callback), ("property_set", property_set)):
            if value is not None:
                raise wrong_kind(name, "None", value, f"{_WHAT}, and takes circuits only.")
        if isinstance(circuits, QuantumCircuit):
            return self._make(circuits)
        if isinstance(circuits, (str, bytes)) or not isinstance(circuits, Iterable):
            raise wrong_kind("circuits", "a QuantumCircuit or a list of them", circuits)
        several = list(circuits)
        for circuit in several:
            quantum_circuit("each of circuits", circuit)
        return [self._make(circuit) for circuit in several]

    def draw(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: there are no passes to draw."""
        raise TypeError(_REFUSAL)

    @property
    def _tasks(self) -> NoReturn:
        """All of Qiskit's methods but ``run``, and pass managers with stages, read the passes here."""
        raise TypeError(_REFUSAL)

    def __getitem__(self, index: Any) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __add__(self, other: Any) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __bool__(self) -> bool:
        return True  # though there is no number of passes


_WHAT = "A connection's pass manager transpiles as the connection does"
_REFUSAL = (
    f"{_WHAT}: it has no passes of its own, so that it cannot be listed, changed, drawn or put together with others. "
    "Call its run first, and give what it returns to the other pass manager."
)
