"""What holds for tests and examples alike: draws that can be repeated, and only the frameworks that are installed."""

from importlib.util import find_spec

pytest_plugins = ["repeatable_draws"]

collect_ignore_glob = [
    f"qiskit_qml_ext/models/layers/{framework}_*.py"
    for framework in ("jax", "keras", "tensorflow", "torch")
    if find_spec(framework) is None
]
