"""What a journal is asked and told, each as one transaction; copies, checks and repairs of its file.

attempts: What the journal does to units, in functions on a database connection.
checkup: The same as a report.
claims: What the journal does to units, in functions on a database connection.
journal: :class:`Journal`, all that is asked and written, each as one transaction.
lineage: Which copy of a journal a file is.
local_work: Which work was run on this machine.
looks: When the last look was.
open_file: The open file: threads, forks, transactions.
ownership: Whether an owner lives, is silent or gone.
planning: What the journal does to units, in functions on a database connection.
repair: A new file with all that is sound.
results: What the journal does to units, in functions on a database connection.
salvage: Reading around damage.
tags: The tags of jobs, written and read.
"""
