"""How a journal lies on the disk, with its tables, what a row may hold, and whether it is sound.

backup: Copies of a file in use.
companion: The file beside a journal.
contents: What a row may hold.
detached: Units that a repair kept without their items.
job_ids: What may be the id of a job.
job_times: What jobs were predicted to take, noted beside their attempts.
migration: Files of the first schema.
moments: Points in time that no clock can move.
places: Where a file may lie.
problems: Findings as sentences, one for each damage.
queries: Questions to the file that are asked in several places.
records: Units, attempts and duplicates as plain records.
rows: Tables and sealed rows.
schema: Making, opening and checking a file.
soundness: What is sound in a file, as findings.
"""
