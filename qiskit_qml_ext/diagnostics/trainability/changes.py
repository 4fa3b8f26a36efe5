"""What is changed to find out why a landscape is flat, and what each change brought."""

import math
from dataclasses import dataclass
from typing import Literal

from qiskit_qml_ext.diagnostics.results.result import Estimate

MATTERS = 2.0
"""A change is called a cause if it multiplies the square of a typical derivative by this or more, with confidence."""


ChangeKey = Literal[
    "small_angles", "local_observable", "one_layer", "local_observable_and_one_layer", "no_entanglement", "no_noise"
]


@dataclass(frozen=True)
class Change:
    """The expected squared gradient after one change."""

    key: ChangeKey
    """What was changed, as one word for programs."""
    name: str
    """What was changed, in words."""
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
        return self.gain.low >= MATTERS

    @property
    def outcome(self) -> str:
        """What follows: what to try, or that the change does not help, is not shown to, or was not seen."""
        if math.isnan(self.gain.value):
            return "too little was seen to tell"
        if self.helps:
            return self.advice
        return "does not help by a factor 2" if self.gain.high < MATTERS else "not shown to help by a factor 2"


ChangeWords = tuple[ChangeKey, str, str, str]
"""Key, name, cause and advice of a change."""

LOCAL: ChangeWords = (
    "local_observable",
    "Observable on one qubit",
    "a global observable",
    "write the cost as a sum of local terms",
)
SHALLOW: ChangeWords = ("one_layer", "One layer", "depth", "use fewer layers, or add them one by one during training")
LOCAL_SHALLOW: ChangeWords = (
    "local_observable_and_one_layer",
    "One qubit, one layer",
    "a global observable together with depth",
    "write the cost as a sum of local terms and use fewer layers, both at once",
)
SMALL: ChangeWords = (
    "small_angles",
    "Small Gaussian angles",
    "angles spread over the whole period",
    "start from small angles",
)
PRODUCT: ChangeWords = (
    "no_entanglement",
    "No entangling gates",
    "entanglement",
    "entangle fewer qubits, or use an ansatz with the problem's symmetry",
)
NOISE: ChangeWords = (
    "no_noise",
    "No noise",
    "noise",
    "use fewer or better two-qubit gates, fewer layers, or error mitigation",
)
