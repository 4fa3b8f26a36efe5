"""Modules that need a framework are looked through for examples only where it is installed."""

from importlib.util import find_spec

collect_ignore_glob = [
    f"qiskit_qml_ext/models/layers/{framework}_*.py"
    for framework in ("jax", "keras", "tensorflow", "torch")
    if find_spec(framework) is None
]
