"""Which codes of findings, advice and verdicts exclude each other, and phrases that no number licenses."""

import re
from collections.abc import Iterable
from itertools import combinations

from qiskit_qml_ext.diagnostics import Diagnosis


def _one_of(*codes: str) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in combinations(codes, 2)}


def _not_beside(code: str, *others: str) -> set[frozenset[str]]:
    return {frozenset((code, other)) for other in others}


_FOR_A_CLASSICAL_KERNEL = ("bound_carries_over", "classical_scores_as_well", "classical_first")
_AGAINST_THE_KERNEL = (*_FOR_A_CLASSICAL_KERNEL, "nearly_identity", "entries_equal", "nothing_learned")

EXCLUSIVE = (
    # one trend, one state of the entries, one ranking, one verdict
    _one_of("concentrates_exponentially", "falls_as_power", "does_not_fall")
    | _one_of("entries_differ", "entries_need_many_shots", "entries_equal", "spread_not_seen")
    | _one_of("nearly_constant", "nearly_identity")
    | _not_beside(
        "too_few_samples",
        *("concentrates_exponentially", "falls_as_power", "does_not_fall", "nearly_constant", "nearly_identity"),
        *("entries_differ", "entries_need_many_shots", "entries_equal", "spread_not_seen"),
        *("classical_scores_as_well", "scores_alike", "quantum_scores_higher"),
    )
    | _one_of("nothing_learned", "classical_scores_as_well", "scores_alike", "quantum_scores_higher")
    | _one_of("better", "better_without_entanglement", "worse", "no_evidence", "nothing_learned", "no_baseline")
    # what bounds say against what scores say
    | _one_of("bound_carries_over", "labels_simpler_for_quantum")
    | _not_beside("quantum_scores_higher", *_FOR_A_CLASSICAL_KERNEL)
    | _not_beside("labels_simpler_for_quantum", *_FOR_A_CLASSICAL_KERNEL)
    | _not_beside("nothing_learned", *_FOR_A_CLASSICAL_KERNEL, "labels_simpler_for_quantum", "compare_on_same_folds")
    # verdicts
    | _not_beside("better", *_AGAINST_THE_KERNEL, "scores_alike", "less_entanglement", "compare_on_same_folds")
    | _not_beside("better_without_entanglement", *_AGAINST_THE_KERNEL, "scores_alike", "compare_on_same_folds")
    | _not_beside("worse", "labels_simpler_for_quantum", "quantum_scores_higher", "scores_alike")
    | _not_beside("no_evidence", "labels_simpler_for_quantum", "quantum_scores_higher")
    # circuits
    | _one_of("barren_plateau", "polynomial", "constant", "undetermined")
    | _not_beside("barren_plateau", "ask_for_simulation", "study_more")
    | _one_of("derivative_seen", "derivative_drowns", "loss_constant")
    | _one_of("loss_varies", "loss_drowns", "variance_unknown", "loss_constant")
    | _not_beside("loss_constant", "causes", "lift_cause", "initial_angles", "noise_damps", "noise_damps_slowly")
    | _one_of("noise_damps", "noise_damps_slowly", "noise_unclear")
    | _not_beside("fewer_layers", "noise_damps_slowly", "noise_unclear")
)

_UNLICENSED = re.compile(
    r"guarantee|any labels|learns the same|[Ll]abels exist|may be such|do(es)? about as well|tell these samples apart"
    r"|tells? entries apart|one fit needs|ahead by -"
    r"|stands? out of the noise|nothing but noise|No barren plateau|\b1 (layers|qubits|parameters)|\[exact values\]"
)


def contradictions(codes: Iterable[str]) -> list[tuple[str, ...]]:
    """The pairs of these codes that exclude each other."""
    found = set(codes)
    return sorted(tuple(sorted(pair)) for pair in EXCLUSIVE if pair <= found)


def codes_of(diagnosis: Diagnosis) -> set[str]:
    """The codes of all findings and advice, none of which may be missing."""
    codes = [finding.code for finding in diagnosis.findings] + [advice.code for advice in diagnosis.advice]
    assert all(codes), [*diagnosis.findings, *diagnosis.advice]
    return set(codes)


def unlicensed(text: str) -> list[str]:
    """The phrases in a text that no number licenses."""
    return [match.group() for match in _UNLICENSED.finditer(" ".join(text.split()))]
