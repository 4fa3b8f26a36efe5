"""Qiskit's compiled code in a forked process.

The transpiler's passes share the work among threads of a pool that is made when first needed. A forked child has the
pool of its parent but none of its threads, so that a pass would wait for them for ever. Qiskit's own workers are told
through the environment to do without threads; so is every forked child here, whoever forks it: ``os.fork``,
``multiprocessing`` with the start method "fork", joblib's "multiprocessing" backend, a data loader. Transpiled circuits
do not depend on it.
"""

import os


def _without_threads() -> None:
    os.environ["QISKIT_IN_PARALLEL"] = "TRUE"
    os.environ["QISKIT_FORCE_THREADS"] = "FALSE"  # would overrule the other


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_without_threads)
