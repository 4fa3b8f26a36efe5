"""How fast is qiskit-qml-ext beside its peers, measured side by side in one run? ``python -m benchmarks --help``.

- ``suites/`` says what is measured: one file a suite, one :class:`~benchmarks.rows.Row` a line of its table.
- ``peers/`` says how each package does it in its best documented mode: one file a package, ours among them.
- ``contenders.py`` lists who takes part; ``environments/`` pins the packages of those with an environment of their own.
- ``race.py`` runs a row: everybody's result is checked against ours, then all are timed in turns, A B C A B C ….
- ``report.py`` turns the outcome into tables, ``roofline.py`` compares it with what the machine can do.

Peers run in worker processes (``worker.py``), which may have another interpreter and know nothing of Qiskit: what they
share (``inputs.py``, ``task.py``) needs NumPy only.
"""
