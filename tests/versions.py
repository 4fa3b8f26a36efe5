"""The installed version of Qiskit, where a test must know what it can do."""

import re

import qiskit

QISKIT = tuple(map(int, re.findall(r"\d+", qiskit.__version__)[:3]))
