"""What is not content of work: every exclusion by name, with its reason.

Everything else that a primitive, its options or its backend hold is content: it goes into the keys. A new option of a
newer client is content from its first day on; it is left out only once somebody adds it here and says why. Names of
options inside other options are written with dots.
"""

import re
from collections.abc import Mapping

_SHOTS = "shots and precision are those of each PUB, which have a place of their own in the key"
_WORDS = "words for the reader"
_DERIVED = "made from what is in the key already"
_WAITING = "says how long or where jobs wait, not what they run"

RUNTIME_OPTIONS: Mapping[str, str] = {
    "_VERSION": "the version of the options' own form",
    "default_shots": _SHOTS,
    "default_precision": _SHOTS,
    "max_execution_time": "ends a job early or not; a job that ended early has no result",
    "environment.max_execution_time": "ends a job early or not; a job that ended early has no result",
    "environment.log_level": _WORDS,
    "environment.job_tags": "for finding jobs",
    "environment.callback": "is told of results, makes none",
    "environment.private": "refused where it is set",
    "simulator.warn_absent": "warns or not",
}
"""Options of the Runtime client's primitives, of either generation."""

LOCAL_OPTIONS: Mapping[str, str] = {
    "default_shots": _SHOTS,
    "default_precision": _SHOTS,
}
"""Options of all other primitives."""

AER_PRIMITIVES_OPTIONS: Mapping[str, str] = {
    **LOCAL_OPTIONS,
    "run_options.parameter_binds": "Aer's primitives put in the values of the PUBs",
}
"""Options of Aer's primitives; those in their ``backend_options`` and ``run_options`` are options of simulators too."""

BACKEND_OPTIONS: Mapping[str, str] = {"shots": _SHOTS}
"""Options of backends that do not run on Aer."""

AER_OPTIONS: Mapping[str, str] = {
    "shots": _SHOTS,
    "memory": "Aer's primitives read every shot, whatever this says",
    "executor": "where circuits are run, not what is run",
    "fusion_verbose": "writes more into the result's metadata",
    "mps_log_data": "writes more into the result's metadata",
}
"""Options of Aer's simulators, also those of backends that run on Aer."""

PRIMITIVE_ATTRIBUTES: Mapping[str, str] = {
    "_default_shots": _SHOTS,
    "_default_precision": _SHOTS,
    "default_shots": _SHOTS,
    "default_precision": _SHOTS,
    "_max_memory": "changes the cost of exact simulation, never its results",
}
"""Attributes of primitives of any class."""

PRIMITIVE_ATTRIBUTES_BY_MODULE: Mapping[str, Mapping[str, str]] = {
    "qiskit.primitives.backend_estimator_v2": {"_passmanager": _DERIVED},
    "qiskit_ibm_runtime.": {"_mode": _WAITING, "_service": "the way to the backend"},
}
"""Further attributes of primitives whose class, or a class above it, is defined in a module."""

BACKEND_ATTRIBUTES: Mapping[str, str] = {
    "_provider": "the way to the backend",
    "description": _WORDS,
    "online_date": "the device's history",
    "_options": "in the key as the backend's options",
    "_target": "in the key as the backend's target",
    "_coupling_map": _DERIVED,
}
"""Attributes of backends of any class."""

_LAST_RUN = "left there by the last run; each run sets it anew, from its circuit and the options"

BACKEND_ATTRIBUTES_BY_MODULE: Mapping[str, Mapping[str, str]] = {
    "qiskit.providers.basic_provider.": {
        "_classical_memory": _LAST_RUN,
        "_statevector": _LAST_RUN,
        "_number_of_cmembits": _LAST_RUN,
        "_number_of_qubits": _LAST_RUN,
        "_local_rng": _LAST_RUN,
        "_sample_measure": _LAST_RUN,
        "_shots": _LAST_RUN,
        "_memory": _LAST_RUN,
        "_initial_statevector": _LAST_RUN,
        "_seed_simulator": _LAST_RUN,
        "_use_clifford_optimization": _LAST_RUN,
    },
    "qiskit.providers.fake_provider.": {
        "_sim": _DERIVED,
        "_rng": "drew the errors, which are in the target",
        "_noise_info": "the errors are in the target, or none are",
        "_supported_gates": "Qiskit's standard gates",
    },
    "qiskit_ibm_runtime.fake_provider.": {
        "sim": _DERIVED,
        "_conf_dict": "in the key as the backend's target",
        "_props_dict": "in the key as the backend's target",
        "_tmp_data_dir": "where the device's data lie",
    },
    "qiskit_aer.": {
        "_controller": "the compiled simulator, the same for all",
        "_cached_basis_gates": _DERIVED,
        "_configuration": _DERIVED,
        "_mapping": _DERIVED,
        "backend_version": "the version of Aer; versions of packages are no content",
        "_from_backend": "the target and the noise are in the key",
        "_properties": "for the reader only; the noise is in the options",
        "_options_configuration": "in the key as the simulator's target",
        "_options_properties": "for the reader only; the noise is in the options",
    },
    "qiskit_braket_provider.": {
        "status": "whether the device is up now",
        "_gateset": _DERIVED,
        "_max_program_set_executables": "how many circuits go into one task",
    },
}
"""Further attributes of backends whose class, or a class above it, is defined in a module."""

TARGET_ATTRIBUTES: Mapping[str, str] = {"description": _WORDS}
"""Attributes of what a backend reports of itself."""

DEVICE_PROPERTIES: Mapping[str, str] = {
    "error": "measured anew at each calibration, after which everything would be paid twice",
    "duration": "measured anew at each calibration, after which everything would be paid twice",
    "t1": "measured anew at each calibration, after which everything would be paid twice",
    "t2": "measured anew at each calibration, after which everything would be paid twice",
    "frequency": "measured anew at each calibration, after which everything would be paid twice",
    "qubits and couplings": "taken out of service and put back at calibrations",
}
"""What a device of a service reports of itself. Results carry the dates of their calibrations, and a run warns where
its results are of more than one."""

CONNECTION_ARGUMENTS: Mapping[str, str] = {
    "mode": _WAITING,
    "journal": "where results are written down",
    "policy": "limits and waiting times",
    "max_executions": "refuses work or not",
    "max_cost": "refuses work or not",
    "price_per_minute": "refuses work or not",
    "max_qpu_seconds": "refuses work or not",
    "quota": "refuses work or not",
    "max_executions_per_job": "how work is cut into jobs",
    "max_memory": "changes the cost of exact simulation, never its results",
}
"""Arguments of ``connect``."""

_READER = "for the reader of the code, or for its checker"
_OF_PYTHON = "kept by Python or a library of classes; follows from the code"

CLASS_ATTRIBUTES: Mapping[str, str] = {
    "__module__": "part of the class's name",
    "__qualname__": "part of the class's name",
    "__dict__": "a place in objects; what lies in it is the object's content",
    "__weakref__": "a place in objects",
    "__slots__": "places in objects; what lies in them is the object's content",
    "__doc__": _READER,
    "__annotations__": _READER,
    "__annotations_cache__": _READER,
    "__annotate__": _READER,
    "__annotate_func__": _READER,
    "__conditional_annotations__": _READER,
    "__firstlineno__": _READER,
    "__static_attributes__": _OF_PYTHON,
    "__classdictcell__": _OF_PYTHON,
    "__orig_bases__": _READER,
    "__parameters__": _READER,
    "__type_params__": _READER,
    "__abstractmethods__": _OF_PYTHON,
    "_abc_impl": _OF_PYTHON,
    "__match_args__": _OF_PYTHON,
    "__dataclass_fields__": _OF_PYTHON,
    "__dataclass_params__": _OF_PYTHON,
    "__signature__": _OF_PYTHON,
    "__slotnames__": "written there by Python when an object of the class is pickled or copied",
}
"""What classes of somebody's hold that is no content."""

CLASS_ATTRIBUTES_BY_PREFIX: Mapping[str, str] = {
    "__pydantic_": "made by Pydantic from the fields and their validators",
    "__attrs_": "made by attrs from the fields",
}
"""The same, by how names begin.

Of objects of somebody's classes, the values of a ``cached_property`` are no content either: they follow from its code
and from the other attributes, and the first use would make the object another one.
"""

SILENT_TYPES: Mapping[str, str] = {
    "_thread.lock": "keeps threads apart",
    "_thread.RLock": "keeps threads apart",
    "threading.Condition": "keeps threads apart",
    "threading.Event": "keeps threads apart",
    "threading.local": "keeps threads apart",
    "logging.Logger": "writes text",
    "logging.LoggerAdapter": "writes text",
    "concurrent.futures.thread.ThreadPoolExecutor": "where things run, not what runs",
    "concurrent.futures.process.ProcessPoolExecutor": "where things run, not what runs",
}
"""Types whose objects say nothing of results, by their modules and names."""

FIRST_MODULES: Mapping[str, str] = {
    "ExactSampler": "qiskit_qml_ext.primitives.exact_sampler",
    "ExactEstimator": "qiskit_qml_ext.primitives.exact_estimator",
    "AerSampler": "qiskit_qml_ext.primitives.targets.aer_primitives",
    "AerEstimator": "qiskit_qml_ext.primitives.targets.aer_primitives",
    "_BackendSampler": "qiskit_qml_ext.primitives.targets.backend",
}
"""Where our own primitives lay when journals first knew them. Where they lie now is no content, but keys once written
stay as they are; of all other classes and functions of ours, keys have the package's name only."""

CREDENTIALS = re.compile(r"token|password|passwd|secret|credential|api_?key|access_?key|authorization", re.IGNORECASE)
"""Names of attributes and options that stay out of keys because they open doors, and may be renewed at any time."""


def excluded_by_module(table: Mapping[str, Mapping[str, str]], kind: type) -> dict[str, str]:
    """Return the exclusions for a class: those of the modules of all classes above it, and its own."""
    excluded: dict[str, str] = {}
    for cls in kind.__mro__:
        for module, names in table.items():
            if cls.__module__ == module or (module.endswith(".") and f"{cls.__module__}.".startswith(module)):
                excluded.update(names)
    return excluded
