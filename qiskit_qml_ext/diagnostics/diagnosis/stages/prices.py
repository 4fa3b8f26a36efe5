"""What the work takes on the backend that was named, with the shots that were found necessary."""

import math

from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.kernel_request import FEWEST_TO_JUDGE, KernelRequest
from qiskit_qml_ext.diagnostics.diagnosis.price import gradient_price, gradient_shots, kernel_price, kernel_shots
from qiskit_qml_ext.diagnostics.kernels.concentration import KernelConcentration
from qiskit_qml_ext.diagnostics.results.result import Estimate


class GradientOnBackend:
    """The price of one gradient."""

    def perform(self, request: CircuitRequest, draft: Draft) -> None:
        """Plan it, if a backend was named."""
        if request.connection is not None:
            draft.add_price(
                gradient_price(
                    request.circuit,
                    request.measured,
                    gradient_shots(draft.evidence),
                    request.connection,
                    parameters=request.parameters,
                    price_per_minute=request.price_per_minute,
                )
            )


class KernelOnBackend:
    """The price of the kernel matrix."""

    def perform(self, request: KernelRequest, draft: Draft) -> None:
        """Plan it, if a backend was named."""
        if request.connection is None:
            return
        concentration = draft.result(KernelConcentration)
        known = concentration.last.shots if concentration is not None else None
        draft.add_price(
            kernel_price(
                request.kernel,
                request.samples,
                kernel_shots(draft.evidence) if len(request.samples) >= FEWEST_TO_JUDGE else math.inf,
                request.connection,
                price_per_minute=request.price_per_minute,
                entries=None if known is None else (known.mean, known.variance),
                simulated=None if concentration is None else _simulated_factor(concentration),
            )
        )


def _simulated_factor(concentration: KernelConcentration) -> Estimate | None:
    """How many times as many shots the kernel takes with simulated noise; None if none was simulated."""
    return next((source.shots for source in reversed(concentration.sources) if source.key == "noise"), None)
