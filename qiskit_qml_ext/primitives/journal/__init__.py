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
twin: A second job of one attempt: the client sent the request again, or another process did.
late: A job that appears when its attempt waits for none, or for another; an attempt's result that another one preceded.
stray: A job of the journal's whose attempt the file does not know. Users read of *unknown* jobs: the strays for which
    a look found no place. (An *unknown* fault is something else: whether a request was accepted cannot be told.)
kin: All jobs that compute what a unit does: its own, late ones, strays.
surplus: What is on record of a job that nobody waits for, twin, late or stray, and whether it ran. If it did, the user
    gets a ``DuplicateExecutionWarning``.
adopt: Take a late job or a stray as the job of a unit.
take over: Get the claim of an owner that is gone; of jobs: adopt one for a unit whose claim one has.
disown: Put strays on record as surplus, at the user's word.
watched: An attempt of which the service may make jobs still.
look, reconcile: A *look* lists all jobs of the journal once and accounts for each. To *reconcile* is to look before
    anything is submitted, and to submit nothing while there are strays without a place.
behind: A file that does not know all that was submitted with it or with a copy of it. *Lineage* tells copies apart.
lost: May have been paid for, but the service denies the job or cannot be asked; only the user has it submitted again.
sound, damaged: What is read is what was written, or is not.

**Rooms.** A line for each module, from what the user calls to what lies on the disk:

What the user calls
    sampler, estimator: The journaled primitives.
    primitive: What the two have in common.
    job: What ``run`` returns.
    policy: How patient a run is, how much it sends ahead, how large its units may be.
    resume: Fetching, looking, disowning and cancelling without the program that asked.
    charges: What the service may charge for beside the results.
    local_work: Which work was run on this machine.
    progress: What a waiting user sees: the bar, and what is waited for.

What is asked for
    requests: Items, and how they are packed into units.
    sampler_request, estimator_request: Items of either kind, as PUBs and back.
    request_units: The units of one request in the journal: planned, read, built, halved.
    keys: The content keys of items, and numbers of repetition.
    stable: Any value as JSON that is the same in every process.
    options: Options of primitives and backends as such values.
    identity: What else a primitive and its backend are.
    devices: What a device reports of itself.
    class_parts: What a class of somebody's is made of.
    exclusions: What is no content, each with its reason.

The run
    runner: The loop.
    tools: What all parts of a run work with.
    submitter: From a claim to a job.
    collector: From a job to a result.
    codec: Results as bytes, and what they must be like.
    heart: Signs of life, in a thread.
    ownership: Whether an owner lives, is silent or gone.

The service
    services: What runs units: IBM's Runtime, or a primitive of this machine.
    faults: What an exception says about a submission.
    service_codes: IBM's error codes.
    refusals: Refusals for now: limits and throttling.
    trouble: Patience while there is no answer.
    deadline: Questions that may never be answered.
    job_ids: What may be the id of a job.

The file against the service
    tags: The tags of jobs, written and read.
    twins: Lists jobs, tells them apart, drops what nobody waits for.
    reconcile: Finds a place for strays, or says that the file is behind.
    looks: When the last look was.
    lineage: Which copy of a journal a file is.

What is in the file
    store: :class:`Journal`, all that is asked and written, each as one transaction.
    open_file: The open file: threads, forks, transactions.
    planning, claims, attempts, results: What the journal does to units, in functions on a database connection.
    queries: What several of them ask.
    records: What they return.
    detached: Units that a repair kept without their items.
    moments: Points in time that no clock can move.

How it lies on the disk
    rows: Tables and sealed rows.
    schema: Making, opening and checking a file.
    migration: Files of the first schema.
    places: Where a file may lie.
    backup: Copies of a file in use.

What to do about damage
    contents: What a row may hold.
    soundness: What is sound in a file, as findings.
    problems: Findings as sentences, one for each damage.
    checkup: The same as a report.
    salvage: Reading around damage.
    repair: A new file with all that is sound.
"""

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
