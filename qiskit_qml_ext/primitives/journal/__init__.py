"""The journal: hardware runs that lose no result and pay for no shot twice.

What is asked for is cut into items, items are packed into units, and an attempt at a unit becomes a job of the service.
Every step is in the file before it has consequences: a unit is *planned*, *submitting* (written before the request
leaves), *submitted*, *done*, or else *failed* or *lost*.

**Words.** One word for one thing, in names and in what the user reads:

item: One circuit with one vector of values, or a block of expectation values; what it is, is its key.
unit: The work of one job. Its *content* is its items in order; a unit whose items went to others is *dissolved*.
attempt: One submission of a unit, named by a tag that its jobs carry. The last attempt is the one that counts.
owner: Whoever has the claim on a unit under way; a process has one for each of its runs.
dead, silent, gone: A *dead* owner's process has ended, for certain; a *silent* one gave no sign of life for a lease. An
    owner is *gone* if its claim may be taken over: it is dead, or silent and no harm comes of it. As the outcome of an
    attempt, *gone* says that a job on this machine ended with its process.
late: A job that appears when its attempt waits for none, or for another; an attempt's result that another one preceded.
stray: A job of the journal's whose attempt the file does not know. Users read of *unknown* jobs: the strays for which
    there is no place. (An *unknown* fault is something else: whether a request was accepted cannot be told.)
matching: All jobs that compute what a unit does: its own, late ones, strays.
duplicate: A job that nobody waits for: a second one of an attempt (the client sent the request again, or another
    process did), a late one, a stray. It is on record with whether it ran. If it did, the user gets a
    ``DuplicateExecutionWarning``.
adopt: Take a late job or a stray as the job of a unit.
take over: Get the claim of an owner that is gone; of jobs: adopt one for a unit whose claim one has.
disown: Put strays on record as duplicates, at the user's word.
watched: An attempt of which the service may make jobs still.
reconcile: List all jobs of the journal once and account for each. Nothing is submitted while there are strays without
    a place.
behind: A file that does not know all that was submitted with it or with a copy of it. *Lineage* tells copies apart.
lost: May have been paid for, but the service denies the job or cannot be asked; only the user has it submitted again.
sound, damaged: What is read is what was written, or is not.

**Rooms.** From the disk upwards; each imports from those above it in this list only, and its docstring names its
modules.

disk: How a journal lies on the disk: its tables, what a row may hold, and whether it is sound.
work: What is asked for: items with their content keys, and results as bytes.
dataset: A journal as a folder that others can read and cite.
store: What a journal is asked and told, each as one transaction; copies, checks and repairs of its file.
service: What runs units, what its errors mean, and how long one waits for it.
run: How units become jobs and jobs become results.

What the user calls stands beside them:

sampler: The journaled sampler.
estimator: The journaled estimator.
primitive: What the two have in common.
job: What ``run`` returns.
"""

from qiskit_qml_ext.primitives.journal.dataset.reading import DataSet, read_dataset
from qiskit_qml_ext.primitives.journal.dataset.writing import ExportReport
from qiskit_qml_ext.primitives.journal.disk.records import STATES, Duplicate, Unit
from qiskit_qml_ext.primitives.journal.estimator import JournaledEstimator
from qiskit_qml_ext.primitives.journal.job import JournaledJob
from qiskit_qml_ext.primitives.journal.run.policy import Policy
from qiskit_qml_ext.primitives.journal.run.reconcile import duplicates_of, is_of_copy
from qiskit_qml_ext.primitives.journal.run.report import Report
from qiskit_qml_ext.primitives.journal.run.resume import Resumed, cancel, disown, kept, reconcile, resume, settle_times
from qiskit_qml_ext.primitives.journal.sampler import JournaledSampler
from qiskit_qml_ext.primitives.journal.service.charges import ExtraJobs, extra_jobs, seconds_of
from qiskit_qml_ext.primitives.journal.store.checkup import FileReport, check_journal
from qiskit_qml_ext.primitives.journal.store.job_times import JobRecord
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.store.local_work import local_units, watched
from qiskit_qml_ext.primitives.journal.store.repair import RepairReport, repair_journal
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions

__all__ = [
    "STATES",
    "DataSet",
    "Duplicate",
    "ExportReport",
    "ExtraJobs",
    "FileReport",
    "JobRecord",
    "Journal",
    "JournaledEstimator",
    "JournaledJob",
    "JournaledSampler",
    "Policy",
    "RepairReport",
    "Repetitions",
    "Report",
    "Resumed",
    "Unit",
    "cancel",
    "check_journal",
    "disown",
    "duplicates_of",
    "extra_jobs",
    "is_of_copy",
    "kept",
    "local_units",
    "read_dataset",
    "reconcile",
    "repair_journal",
    "resume",
    "seconds_of",
    "settle_times",
    "watched",
]
