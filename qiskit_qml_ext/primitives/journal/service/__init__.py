"""What runs units, what its errors mean, and how long one waits for it.

account: An IBM account: its jobs found by id and by tag.
backoff: How long to wait while there is no answer.
charges: What the service may charge for beside the results.
faults: What an exception or a failed job means.
jobs: What a job says of itself.
limits: What the service says of its limit on executions.
reactions: The table of what a fault may mean and what is done about it.
service_codes: IBM's error codes.
services: What runs units: IBM's Runtime, or a primitive of this machine.
timed_calls: Calls that may never return.
"""
