"""The two families of quantum models that can be compared, and what sentences call them."""

from dataclasses import dataclass
from typing import Literal

ModelChoice = Literal["kernel", "variational", "both"]


@dataclass(frozen=True)
class QuantumFamily:
    """A quantum model and its control without entanglement."""

    key: str
    """The short name of the model."""
    control: str
    """The short name of its control."""
    noun: str
    """What a sentence calls the model."""
    simulated: str
    """What of it was simulated."""
    same: str
    """What is the same in its control."""
    unentangled: str
    """Why it is a classical model where it has no entangling gate."""


KERNEL = QuantumFamily(
    "quantum",
    "control",
    "quantum kernel",
    "kernel",
    "feature map",
    "this is a product of single-qubit functions, a classical model",
)
VARIATIONAL = QuantumFamily(
    "variational",
    "variational_control",
    "variational model",
    "circuit",
    "circuit",
    "each qubit can be simulated by itself, so this is a classical model",
)

FAMILIES: dict[ModelChoice, tuple[QuantumFamily, ...]] = {
    "kernel": (KERNEL,),
    "variational": (VARIATIONAL,),
    "both": (KERNEL, VARIATIONAL),
}
"""What each choice compares with classical models."""
