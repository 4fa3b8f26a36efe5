"""A layer as plain data that JSON can hold, and back: circuits as QPY, nothing pickled."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from qiskit import qpy
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.engine import Observable, Projector
from qiskit_qml_ext.models.layers.quantum_layer import QuantumLayer
from qiskit_qml_ext.primitives import connect


def layer_document(layer: QuantumLayer, weights: FloatArray) -> dict[str, Any]:
    """Return what :func:`layer_arguments` makes the arguments of an equal layer of; all of it goes into JSON.

    Args:
        layer: The layer.
        weights: The weights from which its training began, shape (W,), which stand for the distribution.

    Raises:
        ValueError: The layer's connection estimates, or its gradient method is an object: neither can be made anew from
            plain data, and nothing else may take its place.
    """
    _refuse_what_cannot_come_back(layer)
    buffer = io.BytesIO()
    qpy.dump(layer.circuit, buffer)
    connection = layer.connection
    return {
        "circuit": base64.b64encode(buffer.getvalue()).decode("ascii"),
        "observables": [_observable_document(observable) for observable in layer.observables],
        "input_parameters": [parameter.name for parameter in layer.input_parameters],
        "weight_parameters": [parameter.name for parameter in layer.weight_parameters],
        "initialization": weights.tolist(),
        "gradient": layer.gradient,
        "connection": None if connection is None else {"dtype": connection.dtype, "max_memory": connection.max_memory},
    }


def layer_arguments(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a layer from its document.

    Raises:
        ValueError: The document holds no circuit, or an observable of an unknown kind.
    """
    circuits = qpy.load(io.BytesIO(base64.b64decode(document["circuit"], validate=True)))
    if len(circuits) != 1:
        raise ValueError(f"The document of a layer must hold one circuit, but it holds {len(circuits)}.")
    settings = document["connection"]
    return {
        "circuit": circuits[0],
        "observables": [_observable(one) for one in document["observables"]],
        "input_parameters": list(document["input_parameters"]),
        "weight_parameters": list(document["weight_parameters"]),
        "initialization": list(document["initialization"]),
        "gradient": document["gradient"],
        "connection": None if settings is None else connect("exact", **settings),
    }


def _refuse_what_cannot_come_back(layer: QuantumLayer) -> None:
    if layer.connection is not None and not layer.connection.is_exact:
        raise ValueError(
            f"A layer on {layer.connection!r} cannot be saved whole: a device or simulator, its seed, journal and "
            "budget are not restored from a file. Save the weights alone (save_weights, state_dict), and load them "
            "into a layer that you make with its connection."
        )
    if not isinstance(layer.gradient, str):
        raise ValueError(
            f"A layer with the gradient method {layer.gradient!r} cannot be saved whole. Give the method by its name, "
            "or save the weights alone (save_weights, state_dict)."
        )


def _observable_document(observable: Observable) -> dict[str, Any]:
    if isinstance(observable, Pauli):
        return {"kind": "pauli", "label": observable.to_label()}
    if isinstance(observable, SparsePauliOp):
        coefficients = np.asarray(observable.coeffs, dtype=np.complex128)
        return {"kind": "sum", "labels": observable.paulis.to_labels(), "coefficients": _pairs(coefficients)}
    if isinstance(observable, Projector):
        if isinstance(observable.state, (int, np.integer)):
            return {"kind": "basis_state", "state": int(observable.state)}
        return {"kind": "state", "amplitudes": _pairs(np.asarray(observable.state, dtype=np.complex128))}
    return {"kind": "diagonal", "values": np.asarray(observable, dtype=np.float64).tolist()}


def _observable(document: Mapping[str, Any]) -> Observable:
    kind = document["kind"]
    if kind == "pauli":
        return Pauli(document["label"])
    if kind == "sum":
        return SparsePauliOp(list(document["labels"]), _complex(document["coefficients"]))
    if kind == "basis_state":
        return Projector(int(document["state"]))
    if kind == "state":
        return Projector(_complex(document["amplitudes"]))
    if kind == "diagonal":
        return np.array(document["values"], dtype=np.float64)
    raise ValueError(
        f"The document of a layer has an observable of the unknown kind {kind!r}. Load it with the version of the "
        "package that saved it, or a later one."
    )


def _pairs(numbers: AnyArray) -> list[list[float]]:
    return [[number.real, number.imag] for number in numbers.tolist()]


def _complex(pairs: list[list[float]]) -> AnyArray:
    return np.array([complex(real, imaginary) for real, imaginary in pairs])
