"""What an argument of a name must be, wherever the package takes it."""

import numbers
import os
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from qiskit_qml_ext.checks.data import labels, numeric_array, standard_errors
from qiskit_qml_ext.checks.refusals import wrong_kind, wrong_value
from qiskit_qml_ext.checks.values import (
    Check,
    at_least,
    checked_seed,
    one_of,
    real_number,
    real_numbers,
    truth_value,
    whole_number,
    whole_numbers,
)


def optional(check: Check) -> Check:
    """Return the check that lets ``None`` pass too."""
    return lambda name, value: None if value is None else check(name, value)


def _has(attribute: str, kind: str) -> Check:
    """Return a check that something has what makes it of a kind; the kinds themselves are defined above this module."""

    def check(name: str, value: object) -> object:
        if not hasattr(value, attribute):
            raise wrong_kind(name, kind, value)
        return value

    return check


def _not_plain(expected: str) -> Check:
    """A check that refuses words and numbers where an object is needed; the function itself knows which."""

    def check(name: str, value: object) -> object:
        if isinstance(value, (str, bytes, numbers.Number)):
            raise wrong_kind(name, expected, value)
        return value

    return check


def _connection(name: str, value: object) -> object:
    if not hasattr(value, "isa_circuit"):
        raise TypeError(f"{name} must come from connect(…), but {value!r} ({type(value).__name__}) came.")
    return value


def _positions(name: str, value: object) -> object:
    if not isinstance(value, str):  # "all" and other words are the function's own
        whole_numbers(name, value, minimum=0)
    return value


def _precision(name: str, value: object) -> object:
    kinds = ("complex128", "complex64", np.complex128, np.complex64)
    if not (isinstance(value, (str, type, np.dtype)) and value in kinds):
        raise wrong_value(name, "'complex128' or 'complex64'", value)
    return value


def _depths(name: str, value: object) -> object:
    return value if callable(value) else whole_number(name, value)


def _distribution(name: str, value: object) -> object:
    if not callable(getattr(value, "sample", None)):
        raise wrong_kind(name, "an InitialDistribution such as UniformDistribution()", value)
    return value


def _distributions(name: str, value: object) -> object:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise wrong_kind(name, "a list of InitialDistribution objects", value)
    for one in value:
        _distribution(f"each of {name}", one)
    return value


def _classical_kernels(name: str, value: object) -> object:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping from names to kernel matrices, but {type(value).__name__} came.")
    if not value:
        raise ValueError(f"{name} must hold at least one kernel matrix, but it is empty.")
    return value


def _two_probabilities(name: str, value: object) -> object:
    probabilities = real_numbers(name, value)
    if len(probabilities) != 2 or not all(0 <= one <= 1 for one in probabilities):
        raise wrong_value(name, "two probabilities, of one and of two qubits", value)
    return value


def _path(name: str, value: object) -> object:
    if not isinstance(value, (str, os.PathLike)) and not hasattr(value, "path"):
        raise wrong_kind(name, "the path of a file or a Journal", value)
    return value


def _folder(name: str, value: object) -> object:
    if not isinstance(value, (str, os.PathLike)):
        raise wrong_kind(name, "the path of a folder", value)
    return value


def _fractional(name: str, value: object) -> object:
    if value != "auto" and not isinstance(value, bool):
        raise wrong_value(name, "'auto', True or False", value)
    return value


def _packing(name: str, value: object) -> object:
    return value if isinstance(value, bool) else whole_number(name, value)


def _processes(name: str, value: object) -> object:
    """A number of processes, or a negative one, which leaves out so many processors (less one) as in scikit-learn."""
    if at_least(-1_000_000)(name, value) == 0:
        raise wrong_value(name, "at least 1, or -1 for as many as there are processors", value)
    return value


def _pairs_or_word(name: str, value: object) -> object:
    if isinstance(value, str):
        return value
    if not isinstance(value, (Sequence, np.ndarray)):
        raise wrong_kind(name, "a word or a list of pairs of qubits", value)
    for pair in value:
        if np.ndim(pair) != 1 or len(pair) != 2 or pair[0] == pair[1]:
            raise ValueError(f"{name} must be pairs of different qubits, but {pair!r} is among them.")
    return value


def _edges(name: str, value: object) -> object:
    if isinstance(value, str):
        raise wrong_kind(name, "a list of pairs of vertices", value)
    return _pairs_or_word(name, value)


def _words(name: str, value: object) -> object:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise wrong_kind(name, "a list of words", value)
    return value


_several, _from_zero = at_least(2), at_least(0)
_fraction = partial(real_number, above=0.0, below=1.0)
_positive_real = partial(real_number, above=0.0)
_non_negative_real = partial(real_number, minimum=0.0)

RULES: dict[str, Check] = {
    "X": optional(numeric_array),
    "Y": optional(numeric_array),
    "bandwidth": _non_negative_real,
    "bandwidths": partial(real_numbers, above=0.0),
    "center": optional(numeric_array),
    "classical": optional(_classical_kernels),
    "confidence": _fraction,
    "connection": optional(_connection),
    "data": partial(one_of, choices=("uniform", "normal")),
    "default_precision": _non_negative_real,
    "default_shots": whole_number,
    "depolarizing": _two_probabilities,
    "depths": optional(_depths),
    "directions": optional(numeric_array),
    "distribution": optional(_distribution),
    "distributions": optional(_distributions),
    "dtype": _precision,
    "extrapolate_to": optional(whole_number),
    "feature": _from_zero,
    "folder": optional(_folder),
    "folds": optional(_several),
    "gamma": _positive_real,
    "is_local": truth_value,
    "journal": optional(_path),
    "kernel_matrix": numeric_array,
    "max_bond": _several,
    "max_cost": optional(_non_negative_real),
    "max_dimension": whole_number,
    "max_executions": optional(whole_number),
    "max_executions_per_job": optional(whole_number),
    "max_memory": optional(whole_number),
    "max_qpu_seconds": optional(_non_negative_real),
    "max_samples": optional(whole_number),
    "max_seconds": _non_negative_real,
    "max_strings": whole_number,
    "mean": _fraction,
    "noise": _not_plain("an Aer NoiseModel, an AerSimulator with noise, or a backend"),
    "num_bins": _several,
    "num_data": _positive_real,
    "num_noise_samples": whole_number,
    "num_pairs": _several,
    "num_processes": optional(_processes),
    "num_qubits": optional(whole_number),
    "num_samples": _several,
    "num_threads": optional(whole_number),
    "num_trajectories": whole_number,
    "num_walks": _several,
    "observable": _not_plain("an observable or a function from the number of qubits to one"),
    "optimization_level": partial(whole_number, minimum=0, maximum=3),
    "packing": _packing,
    "fractional": _fractional,
    "packing_buffer": _from_zero,
    "parameters": _positions,
    "path": optional(numeric_array),
    "price_per_minute": optional(_non_negative_real),
    "radius": optional(_positive_real),
    "regularization": _non_negative_real,
    "relative_precision": _positive_real,
    "repeats": optional(whole_number),
    "resolution": _several,
    "seed": checked_seed,
    "shots": optional(whole_number),
    "standard_errors": optional(standard_errors),
    "t": whole_number,
    "task": partial(one_of, choices=("classification", "regression")),
    "test_fraction": _positive_real,
    "test_size": optional(_positive_real),
    "tile_size": optional(whole_number),
    "transpile_trials": whole_number,
    "y": optional(labels),
}
"""What an argument of this name must be, wherever the package takes it."""

SETTING_RULES: dict[str, Check] = {
    "ansatz": optional(_has("build", "an ansatz or None")),
    "edges": optional(_edges),
    "entangling": truth_value,
    "entanglement": optional(_pairs_or_word),
    "feature_map": optional(_has("build", "a feature map or None")),
    "fiducial": optional(_has("num_qubits", "a QuantumCircuit or None")),
    "fiducial_angle": optional(real_number),
    "final_rotations": truth_value,
    "first_layer": truth_value,
    "high": real_number,
    "initial_state": truth_value,
    "low": real_number,
    "padding": real_number,
    "paulis": _words,
    "periodic": truth_value,
    "phases": truth_value,
    "point": optional(real_numbers),
    "seed": _from_zero,
    "shared": truth_value,
    "weights": optional(real_numbers),
}
"""What a setting of this name must be, in every template and distribution that has it."""
