"""What a peer hands to its worker: something to call, again and again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Case = dict[str, Any]
"""What to compute: ``kind`` and sizes, as plain JSON values."""


@dataclass(frozen=True)
class Task:
    """A prepared computation.

    What every call may reuse (a parsed circuit, a compiled function) is made before; what depends on the data is not.
    In a training the samples stay and the weights change: there the weights are the data.
    """

    run: Callable[[], NDArray[Any]]
    """Does the whole computation and returns the result, on the host and complete."""

    scale: float = 1.0
    """The time of a call is multiplied by this: for peers of which only a part of the work can be waited for."""

    note: str = ""
    """What the reader of the table must know about this peer's time."""


Prepare = Callable[[Case], Task]
