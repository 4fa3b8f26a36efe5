"""From how many shots a derivative is seen."""

import math

from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import FIRST_LOOK_QUBITS, CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.price import gradient_in_shots
from qiskit_qml_ext.diagnostics.diagnosis.stage import Measurement
from qiskit_qml_ext.diagnostics.moments.second_moments import SecondMoments
from qiskit_qml_ext.diagnostics.results.result import counted
from qiskit_qml_ext.diagnostics.subject.problem import pose
from qiskit_qml_ext.diagnostics.subject.shot_noise import in_words
from qiskit_qml_ext.diagnostics.trainability.constant_loss import explain_constant_loss
from qiskit_qml_ext.diagnostics.trainability.gradient_variance import GradientVariance, gradient_variance

_MANY_SHOTS = 100_000
_MAX_FEW_STATES = 16  # a few dozen states are still feasible where nothing else applies
_FEW_STATES = 40


class Gradient(Measurement[CircuitRequest, GradientVariance]):
    """The variance of the derivatives at the width that was asked for."""

    key = "gradient_variance"
    heading = "Gradient"

    def title(self, request: CircuitRequest) -> str:
        """Name the width, and the weights of a network."""
        weights = " by the weights" * (request.network is not None)
        return f"{self.heading}{weights} at {counted(request.width, 'qubit')}"

    def why_not(self, request: CircuitRequest, draft: Draft) -> str | None:
        """Leave it to walks where there are some."""
        return None if draft.result(SecondMoments) is None else ""

    def run(self, request: CircuitRequest, draft: Draft) -> GradientVariance:
        """Measure at random points; of an ansatz on many qubits at few, or by Pauli strings only."""
        wide = request.network is None and request.width > FIRST_LOOK_QUBITS
        few = wide and request.width <= _MAX_FEW_STATES
        return gradient_variance(
            request.here,
            request.observable,
            num_qubits=request.width,
            distribution=request.distribution,
            parameters=request.parameters,
            num_samples=min(request.num_samples, _FEW_STATES) if few else request.num_samples,
            # beyond what a few states take, only Pauli strings are left
            method="propagation" if wide and not few else "auto",
            seed=request.here_seed,
        )

    def read(self, result: GradientVariance, request: CircuitRequest, draft: Draft) -> None:
        """Say from how many shots a derivative is seen, or why there is none."""
        shots = result.shots_for()
        if not math.isfinite(shots):
            constant = explain_constant_loss(
                pose(
                    request.here,
                    request.observable,
                    num_qubits=request.width,
                    distribution=request.distribution,
                    parameters=request.parameters,
                )
            )
            draft.find("bad", "loss_constant", constant.finding)
            draft.advise("measure_what_changes", constant.advice)
            return
        few = shots < _MANY_SHOTS
        many = in_words(shots, at_most=result.shot_noise.derivatives_at_most)
        draft.find(
            "good" if few else "bad",
            "derivative_seen" if few else "derivative_drowns",
            f"At {counted(result.num_qubits, 'qubit')} a typical derivative stands out only beyond {many} "
            f"{'shot' if shots == 1 else 'shots'} of each circuit, where it is as large as its noise (root mean square "
            "over parameters).",
        )
        draft.price.extend(gradient_in_shots(result))
