"""What runs units, what its errors mean, and how long one waits for it.

backoff: Patience while there is no answer.
charges: What the service may charge for beside the results.
faults: What an exception says about a submission.
service_codes: IBM's error codes.
services: What runs units: IBM's Runtime, or a primitive of this machine.
timed_calls: Questions that may never be answered.
"""
