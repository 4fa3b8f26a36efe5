"""IBM's Runtime client: its two generations of primitives, their options, and what they refuse."""

from qiskit_qml_ext.primitives.targets.client.generations import AUTO, Generation, generation
from qiskit_qml_ext.primitives.targets.client.options import PrimitiveOptions

__all__ = ["AUTO", "Generation", "PrimitiveOptions", "generation"]
