"""The variance of the loss on more qubits than states reach: by walks, by matrix products, or between bounds."""

import math

from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import FEW_STRINGS, FIRST_LOOK_QUBITS, CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.price import gradient_in_shots
from qiskit_qml_ext.diagnostics.diagnosis.stage import Measurement
from qiskit_qml_ext.diagnostics.moments.chain_moments import ChainMoment, chain_second_moment, why_no_chain
from qiskit_qml_ext.diagnostics.moments.moment_bounds import SecondMomentBounds, second_moment_bounds
from qiskit_qml_ext.diagnostics.moments.second_moments import SecondMoments, second_moments
from qiskit_qml_ext.diagnostics.results.result import counted
from qiskit_qml_ext.diagnostics.subject.shot_noise import in_words

_MANY_SHOTS = 100_000


class WalkedMoments(Measurement[CircuitRequest, SecondMoments]):
    """From how many shots a wide loss varies, by walks of Pauli strings."""

    key = "second_moments"
    heading = "Second moments by Pauli walks"

    def why_not(self, request: CircuitRequest, draft: Draft) -> str | None:
        """Leave narrow circuits and networks to states."""
        return "" if request.network is not None or request.width <= FIRST_LOOK_QUBITS else None

    def run(self, request: CircuitRequest, draft: Draft) -> SecondMoments:
        """Walk."""
        return second_moments(request.here, request.observable, num_qubits=request.width, seed=request.seed)

    def read(self, result: SecondMoments, request: CircuitRequest, draft: Draft) -> None:
        """Say from how many shots the loss varies, if the walks know its variance."""
        if not result.is_conclusive:
            return
        shots = result.shots_for_loss()
        many = in_words(shots, at_most=result.shot_noise.loss_at_most)
        groups = result.shot_noise.num_groups
        each = f" of each of its {groups:,} circuits" * (groups > 1)
        few = shots < _MANY_SHOTS
        draft.find(
            "good" if few else "bad",
            "loss_varies" if few else "loss_drowns",
            f"At {counted(result.num_qubits, 'qubit')} the loss varies by √Var = "
            f"{math.sqrt(max(result.loss_variance.value, 0)):.2g}, as much as its noise at {many} shots{each}.",
        )
        draft.price.extend(gradient_in_shots(result))


class ChainedMoment(Measurement[CircuitRequest, ChainMoment]):
    """The variance that is too small for walks, on a chain."""

    key = "chain_second_moment"
    heading = "Second moment by matrix products"

    def why_not(self, request: CircuitRequest, draft: Draft) -> str | None:
        """Leave it to walks that know the variance, and refuse several terms."""
        if not _too_small_for_walks(draft):
            return ""
        reason = why_no_chain(request.measured)
        return None if reason is None else f"{self.heading}: {reason}"

    def run(self, request: CircuitRequest, draft: Draft) -> ChainMoment:
        """Contract."""
        return chain_second_moment(request.here, request.observable, num_qubits=request.width)

    def read(self, result: ChainMoment, request: CircuitRequest, draft: Draft) -> None:
        """Say from how many shots the loss varies."""
        where = f"At {counted(request.width, 'qubit')}"
        if math.isinf(result.log10_variance):
            draft.find("bad", "loss_drowns", f"{where} no parameter changes the loss: its variance is 0.")
            return
        few = result.shots_for_loss() < _MANY_SHOTS
        draft.find(
            "good" if few else "bad",
            "loss_varies" if few else "loss_drowns",
            f"{where} the variance of the loss is 10^{result.log10_variance:.1f}: "
            f"at {result.shots_in_words()} shots the loss varies as much as its noise.",
        )


class BoundedMoment(Measurement[CircuitRequest, SecondMomentBounds]):
    """The variance that is too small for walks, where there is no chain."""

    key = "second_moment_bounds"
    heading = "Certified bounds on the variance"

    def why_not(self, request: CircuitRequest, draft: Draft) -> str | None:
        """Leave it to what knows the variance."""
        return None if _too_small_for_walks(draft) and draft.result(ChainMoment) is None else ""

    def run(self, request: CircuitRequest, draft: Draft) -> SecondMomentBounds:
        """Follow the most probable strings."""
        return second_moment_bounds(request.here, request.observable, num_qubits=request.width, max_strings=FEW_STRINGS)

    def read(self, result: SecondMomentBounds, request: CircuitRequest, draft: Draft) -> None:
        """Say on which side of a feasible number of shots the loss varies, if the bounds tell."""
        if result.most_shots < _MANY_SHOTS:
            text = f"At {in_words(result.most_shots, at_most=True)} shots the loss varies as much as its noise."
            draft.find("good", "loss_varies", f"{text} {result.headline()}")
        elif result.fewest_shots >= _MANY_SHOTS:
            text = f"Below {in_words(result.fewest_shots)} shots the loss varies less than its noise."
            if math.isinf(result.fewest_shots):
                text = "No parameter changes the loss."
            draft.find("bad", "loss_drowns", f"{text} {result.headline()}")
        else:
            self.read_nothing(request, draft)

    def read_nothing(self, request: CircuitRequest, draft: Draft) -> None:
        """Say that nothing tells."""
        walked = draft.result(SecondMoments)
        limit = "" if walked is None else f" {walked.headline()}"
        draft.find("unknown", "variance_unknown", f"The variance is too small for Pauli walks.{limit}")


def _too_small_for_walks(draft: Draft) -> bool:
    walked = draft.result(SecondMoments)
    return walked is not None and not walked.is_conclusive
