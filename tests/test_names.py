"""Same word, same meaning: what public signatures call things."""

import dataclasses
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

import pytest

import qiskit_qml_ext
from qiskit_qml_ext import diagnostics
from qiskit_qml_ext.diagnostics import Result

COUNTS_OF_THE_FIELD = {
    "shots": "Qiskit's word, as precision is",
    "default_shots": "Qiskit's word, as precision is",
    "reps": "Qiskit's word for the layers of a circuit",
    "folds": "of a cross-validation, as the command line and the reports of an evaluation have them",
    "inner_folds": "of a cross-validation, as the reports of an evaluation have them",
    "repeats": "of a cross-validation, as the command line and the reports of an evaluation have them",
    "transpile_trials": "Qiskit's transpiler has trials",
    "measured_shots": "Qiskit's word, as precision is",
    "batch_size": "scikit-learn's and every trainer's word for the samples of a step",
    "n_iter_no_change": "scikit-learn's word",
    "n_components": "scikit-learn's word for the features that a transformer makes",
    "n_restarts_optimizer": "scikit-learn's word",
    "n_samples": "scikit-learn's word for the functions that sample_y draws",
    "n_jobs": "scikit-learn's word",
    "copies": "of a circuit that is packed beside itself",
}
"""Counts that do not begin with ``num_``, and why."""

NOT_COUNTS = {
    *("seed", "random_state", "feature", "optimization_level", "degree", "base", "locality", "t"),
    *("resolution", "register_size", "size", "qubits_per_feature", "packing_buffer", "extrapolate_to", "number"),
    *("layer", "dimension", "center", "largest_bond", "level", "tile_size", "tolerance"),
}
"""Whole numbers that count nothing: indices, levels, sizes, and a number that names one of a list."""

HAVE_NO_CIRCUIT = {
    "rbf_twin": "a kernel, or its matrix",
    "kernel_concentration": "a kernel, or what makes one",
    "geometric_difference": "a kernel matrix, or what makes one",
    "kernel_scores": "a kernel matrix",
    "kernel_health": "a kernel matrix",
    "shots_to_resolve": "a kernel matrix",
    "centred_alignment": "a kernel matrix",
    "model_complexity": "a kernel matrix",
    "ideal_kernel": "labels",
    "meyer_wallach": "states",
    "suggest_bandwidth": "a feature map with a bandwidth; no circuit has one",
    "product_bandwidth": "a number of qubits",
    "product_encoding_moments": "a number of qubits",
    "haar_frame_potential": "a number of qubits",
    "local_observable": "a number of qubits",
    "averaged_local_observable": "a number of qubits",
    "global_observable": "a number of qubits",
    "global_projector": "a number of qubits",
}
"""Functions of ``diagnostics`` whose first argument is not a circuit or a template, and what it is."""

STAND_FOR_A_DEVICE = ("primitives",)
"""Folders where a seed is None by default; everywhere else it is 0."""

INDICES = {"probabilities", "CliffordGate", "DenseUnitary", "InitialState", "conjugate"}
"""Where ``qubits`` are indices of wires, which is what the word means."""


def public() -> Iterator[tuple[str, object]]:
    """Every public class and function, once, with the name of its folder."""
    seen: set[int] = set()
    packages = [one.name for one in pkgutil.walk_packages(qiskit_qml_ext.__path__, "qiskit_qml_ext.") if one.ispkg]
    for package in packages:
        module = import_module(package)
        loaded_late = (name for name, needed in getattr(module, "ADAPTERS", {}).items() if find_spec(needed))
        for name in (*getattr(module, "__all__", ()), *loaded_late):
            one = getattr(import_module(package), name)
            ours = str(getattr(one, "__module__", "")).startswith("qiskit_qml_ext")
            if ours and id(one) not in seen and callable(one):
                seen.add(id(one))
                yield package.split(".")[1], one


def signatures() -> Iterator[tuple[str, str, inspect.Signature]]:
    """Folder, qualified name and signature of every public function, constructor and method."""
    for folder, one in public():
        members = [one]
        if inspect.isclass(one):
            methods = (vars(one)[name] for name in vars(one) if not name.startswith("_"))
            members += [getattr(method, "__func__", method) for method in methods]
        for member in members:
            if inspect.isclass(member) or inspect.isfunction(member):
                try:
                    yield folder, member.__qualname__, inspect.signature(member)
                except ValueError:  # a class without a constructor of its own
                    continue


def calls() -> list[tuple[str, inspect.Parameter]]:
    """What a person writes: arguments of functions and of objects, not of records that functions return."""
    journal = "qiskit_qml_ext.primitives.journal"
    records = {
        one.__qualname__
        for _, one in public()
        if inspect.isclass(one) and (dataclasses.is_dataclass(one) or one.__module__.startswith(journal))
    }
    machinery = (journal, "qiskit_qml_ext.program", "qiskit_qml_ext.checks")
    taken = {one.__qualname__ for _, one in public() if str(one.__module__).startswith(machinery)}
    return [(name, one) for _, name, one in arguments() if name.split(".")[0] not in records | taken]


def arguments() -> list[tuple[str, str, inspect.Parameter]]:
    return [(folder, name, one) for folder, name, sig in signatures() for one in sig.parameters.values()]


def is_whole_number(annotation: object) -> bool:
    return annotation in (int, "int", "int | None", int | None) or str(annotation) in ("int | None", "<class 'int'>")


def test_the_first_argument_of_a_diagnostic_is_a_circuit():
    first = {
        name: next(iter(inspect.signature(getattr(diagnostics, name)).parameters))
        for name in diagnostics.__all__
        if inspect.isfunction(getattr(diagnostics, name))
    }
    others = {name: argument for name, argument in first.items() if argument != "circuit"}
    assert set(others) == set(HAVE_NO_CIRCUIT), others


def test_what_counts_is_called_num():
    """A whole number counts (``num_``), limits (``max_``, ``min_``), or stands above with a reason."""
    wrong = {
        f"{name}({one.name})"
        for name, one in calls()
        if is_whole_number(one.annotation)
        and not one.name.startswith(("num_", "max_", "min_"))
        and one.name not in COUNTS_OF_THE_FIELD
        and one.name not in NOT_COUNTS
    }
    assert wrong == set()


def test_fields_of_results_count_with_num():
    kinds = [one for _, one in public() if inspect.isclass(one) and issubclass(one, Result)]
    wrong = {
        f"{kind.__name__}.{field.name}"
        for kind in kinds
        if dataclasses.is_dataclass(kind)
        for field in dataclasses.fields(kind)
        if is_whole_number(field.type)
        and not field.name.startswith(("num_", "max_", "min_"))
        and field.name not in {*COUNTS_OF_THE_FIELD, *NOT_COUNTS, "measured_shots"}
    }
    assert wrong == set()


def test_qubits_are_indices_of_wires():
    wrong = {f"{name}({one.name})" for _, name, one in arguments() if one.name == "qubits" and name not in INDICES}
    assert wrong == set()


def test_several_widths_are_widths():
    """The widths of a study are called alike in the call and in its result."""
    assert "widths" in inspect.signature(diagnostics.scaling_study).parameters
    assert "widths" in {field.name for field in dataclasses.fields(diagnostics.ScalingStudy)}


def test_a_seed_is_0_where_a_result_is_returned_and_none_where_a_device_is_meant():
    seeds = [(folder, name, one) for folder, name, one in arguments() if one.name == "seed"]
    given = [(folder, name, one.default) for folder, name, one in seeds if one.default is not inspect.Parameter.empty]
    rule = {folder: None if folder in STAND_FOR_A_DEVICE else 0 for folder, _, _ in given}
    wrong = {name: default for folder, name, default in given if default != rule[folder]}
    assert len(given) > 15
    assert wrong == {}


@pytest.mark.parametrize("old", ["time_budget", "target_qubits", "noise_samples", "subject", "trotter_steps", "bins"])
def test_a_thing_has_one_name(old):
    assert {name for _, name, one in arguments() if one.name == old} == set()
