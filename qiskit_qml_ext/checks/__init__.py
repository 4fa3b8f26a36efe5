"""Checks of arguments that all modules share: each returns the value, or raises an error that names the argument.

A wrong kind is a ``TypeError``, a wrong value a ``ValueError``; both say what must be, what came and what to do.
"""

from qiskit_qml_ext.checks.arguments import check_arguments
from qiskit_qml_ext.checks.data import numeric_array
from qiskit_qml_ext.checks.parameter_names import ParameterNames, listed_names, named_parameters, parameters_of
from qiskit_qml_ext.checks.refusals import wrong_kind, wrong_value
from qiskit_qml_ext.checks.rules import RULES, SETTING_RULES
from qiskit_qml_ext.checks.values import (
    LARGEST_SEED,
    LARGEST_SHOTS,
    at_least,
    checked_seed,
    checked_seed_or_generator,
    is_whole_number,
    one_of,
    optional_whole_number,
    optional_whole_numbers,
    positive_number,
    quantum_circuit,
    real_number,
    real_numbers,
    truth_value,
    whole_number,
    whole_numbers,
)

__all__ = [
    "LARGEST_SEED",
    "LARGEST_SHOTS",
    "RULES",
    "SETTING_RULES",
    "ParameterNames",
    "at_least",
    "check_arguments",
    "checked_seed",
    "checked_seed_or_generator",
    "is_whole_number",
    "listed_names",
    "named_parameters",
    "numeric_array",
    "one_of",
    "optional_whole_number",
    "optional_whole_numbers",
    "parameters_of",
    "positive_number",
    "quantum_circuit",
    "real_number",
    "real_numbers",
    "truth_value",
    "whole_number",
    "whole_numbers",
    "wrong_kind",
    "wrong_value",
]
