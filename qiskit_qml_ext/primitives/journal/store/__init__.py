"""What a journal is asked and told, each as one transaction; copies, checks and repairs of its file.

attempts: What is written when an attempt begins, gets its job, and ends.
checkup: What is sound in a file, as a report.
claims: Who works on a unit.
inputs: What was asked for, in words that others understand.
job_times: What jobs took of the processor's time, and what those on their way will take.
journal: :class:`Journal`, all that is asked and written, each as one transaction.
lineage: Which copy of a journal a file is.
listings: When all jobs were last listed.
local_work: Which work was run on this machine.
open_file: The open file: threads, forks, transactions.
ownership: Whether an owner lives, is silent or gone.
planning: Which items belong to which units.
repair: A new file with all that is sound.
results: Results, written once and read with their checksum.
salvage: Reading around damage.
tags: The tags of jobs, written and read.
"""
