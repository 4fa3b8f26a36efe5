"""Results of an exported journal, given again to whoever asks for the same: offline, and never anything else.

measured: What was measured in one way, found by what was asked for.
primitives: A sampler and an estimator that look results up.
series: Which of the ways in which a data set was measured is meant.
target: What stands for the device.
"""

from qiskit_qml_ext.primitives.replay.measured import Measured
from qiskit_qml_ext.primitives.replay.primitives import ReplayEstimator, ReplayJob, ReplaySampler
from qiskit_qml_ext.primitives.replay.series import chosen
from qiskit_qml_ext.primitives.replay.target import ReplayTarget

__all__ = ["Measured", "ReplayEstimator", "ReplayJob", "ReplaySampler", "ReplayTarget", "chosen"]
