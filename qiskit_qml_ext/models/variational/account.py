"""What the estimates of a training took, and how far its last gradient can be trusted."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray


@dataclass(eq=False)
class Account:
    """What an evaluator that estimates has done so far."""

    shots: int = 0
    """Shots of all expectation values together; 0 where values are exact."""
    gradient_errors: FloatArray | None = None
    """Standard errors of the last gradient by the weights, shape (W,); NaN where they are not known, ``None`` where all
    is exact or no gradient was asked for."""
    gradient_norm: float | None = None
    """The norm of that gradient as it was estimated, by the weights alone; ``None`` as above."""

    @property
    def gradient_error(self) -> float | None:
        """The root of the sum of their squares."""
        return None if self.gradient_errors is None else float(np.sqrt(self.gradient_errors @ self.gradient_errors))
