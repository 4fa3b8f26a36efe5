"""How units become jobs and jobs become results.

collector: From a job to a result.
context: What all parts of a run work with.
duplicates: Lists jobs, tells them apart, drops what nobody waits for.
heartbeat: Signs of life, in a thread.
policy: How patient a run is, how much it sends ahead, how large its units may be.
progress: What a waiting user sees: the bar, and what is waited for.
reconcile: Finds a place for strays, or says that the file is behind.
refusals: Refusals for now: limits and throttling.
report: What a run did.
request_units: The units of one request in the journal: planned, read, built, halved.
resume: Fetching, reconciling, disowning and cancelling without the program that asked.
runner: The loop.
submitter: From a claim to a job.
times: What jobs are predicted to take and took, held against the limits.
"""
