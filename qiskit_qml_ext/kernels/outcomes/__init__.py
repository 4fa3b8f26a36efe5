"""What is kept of the outcomes of U(y)†U(x) for pairs of samples, and what is made of it.

counts, keeping: what shots gave, each pair once          distributions: exact probabilities of the Hamming weights
pair_outcomes, sampled_outcomes: both as kernel matrices  read_pairs: means of a reading, their errors, which order
reported_errors: whose readout errors are undone
"""

from qiskit_qml_ext.kernels.outcomes.counts import OutcomeCounts, PairCounts
from qiskit_qml_ext.kernels.outcomes.distributions import ExactOutcomes
from qiskit_qml_ext.kernels.outcomes.keeping import KEPT
from qiskit_qml_ext.kernels.outcomes.pair_outcomes import PairOutcomes
from qiskit_qml_ext.kernels.outcomes.read_pairs import ORDERS
from qiskit_qml_ext.kernels.outcomes.reported_errors import readout_errors_on
from qiskit_qml_ext.kernels.outcomes.sampled_outcomes import SampledOutcomes

__all__ = [
    "KEPT",
    "ORDERS",
    "ExactOutcomes",
    "OutcomeCounts",
    "PairCounts",
    "PairOutcomes",
    "SampledOutcomes",
    "readout_errors_on",
]
