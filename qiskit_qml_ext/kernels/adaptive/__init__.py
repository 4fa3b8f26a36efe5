"""Shots where they matter: a pilot, then more for the pairs of samples that need them.

Without labels each entry gets what makes it as precise as the others. ``even_errors``: how many that is;
``even_work``: what they will take; ``even_inversion``: how they are run. With labels the pairs on which decisions hang
get more until these stand. ``adaptive_shots``: when enough is enough. ``pair_counts``: what was measured of each pair,
and which shots come next. ``pair_circuits``: how pairs are run. ``decisions``: a support vector machine that asks for
more until it stands.
"""

from qiskit_qml_ext.kernels.adaptive.adaptive_shots import AdaptiveShots
from qiskit_qml_ext.kernels.adaptive.decisions import Decided, Trained, decide, train
from qiskit_qml_ext.kernels.adaptive.even_errors import EvenErrors
from qiskit_qml_ext.kernels.adaptive.pair_circuits import PairCircuits, RunsPairs, check_adaptive
from qiskit_qml_ext.kernels.adaptive.pair_counts import PairCounts

__all__ = [
    "AdaptiveShots",
    "Decided",
    "EvenErrors",
    "PairCircuits",
    "PairCounts",
    "RunsPairs",
    "Trained",
    "check_adaptive",
    "decide",
    "train",
]
