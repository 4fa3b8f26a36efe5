"""The journal: hardware runs that lose no result and pay for no shot twice."""

from qiskit_qml_ext.primitives.journal.charges import ExtraJobs, extra_jobs, seconds_of
from qiskit_qml_ext.primitives.journal.checkup import FileReport, check_journal
from qiskit_qml_ext.primitives.journal.estimator import JournaledEstimator
from qiskit_qml_ext.primitives.journal.job import JournaledJob
from qiskit_qml_ext.primitives.journal.keys import Repetitions
from qiskit_qml_ext.primitives.journal.local_work import local_units, watched
from qiskit_qml_ext.primitives.journal.policy import Policy
from qiskit_qml_ext.primitives.journal.reconcile import is_of_copy, surplus_of
from qiskit_qml_ext.primitives.journal.records import STATES, Surplus, Unit
from qiskit_qml_ext.primitives.journal.repair import RepairReport, repair_journal
from qiskit_qml_ext.primitives.journal.resume import Resumed, cancel, disown, kept, look, resume
from qiskit_qml_ext.primitives.journal.runner import Report
from qiskit_qml_ext.primitives.journal.sampler import JournaledSampler
from qiskit_qml_ext.primitives.journal.store import Journal

__all__ = [
    "STATES",
    "ExtraJobs",
    "FileReport",
    "Journal",
    "JournaledEstimator",
    "JournaledJob",
    "JournaledSampler",
    "Policy",
    "RepairReport",
    "Repetitions",
    "Report",
    "Resumed",
    "Surplus",
    "Unit",
    "cancel",
    "check_journal",
    "disown",
    "extra_jobs",
    "is_of_copy",
    "kept",
    "local_units",
    "look",
    "repair_journal",
    "resume",
    "seconds_of",
    "surplus_of",
    "watched",
]
