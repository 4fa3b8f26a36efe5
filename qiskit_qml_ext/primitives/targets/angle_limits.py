"""Angles that a device's gates do not take, found before anything runs.

Some gates run for some angles only. Whether a free one stays among them shows only when values are bound. Qiskit's
targets state the range of each gate's angles (``Target.supported_angle_bound``), so a device and its fake are held to
the same rule. Angles of IBM's fractional R_ZZ are folded into its range: all that are numbers are taken.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterExpression
from qiskit.primitives import (
    BaseEstimatorV2,
    BasePrimitiveJob,
    BaseSamplerV2,
    PrimitiveResult,
    PubResult,
    SamplerPubResult,
)
from qiskit.primitives.containers import EstimatorPubLike, SamplerPubLike
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import Target

from qiskit_qml_ext.exceptions import AngleOutOfRangeError
from qiskit_qml_ext.primitives.targets.angle_bounds import is_bounded, is_folded
from qiskit_qml_ext.program.expressions import ExpressionCompiler

_ABOVE = 1e-10  # rounding that Runtime allows at the upper end


@dataclass(frozen=True)
class AngleOutside:
    """An angle that a gate does not take."""

    gate: str
    """The gate's name."""
    qubits: tuple[int, ...]
    """The device's qubits."""
    angle: float
    """The angle in radians."""
    row: int
    """The row of the values from which it follows."""

    def __str__(self) -> str:
        limits = "runs it within limits only (see its target)" if math.isfinite(self.angle) else "runs numbers only"
        return (
            f"The gate {self.gate} on the device's qubits {', '.join(map(str, self.qubits))} gets the angle "
            f"{self.angle:.6g} from row {self.row} of the parameter values, but the device {limits}."
        )

    @property
    def advice(self) -> str:
        """What to do about it."""
        if math.isfinite(self.angle):
            return "Leave the gate out of circuits that are in the device's own gates, or scale the data."
        return "Leave out values at which the circuit's expressions are undefined."


def angle_outside(isa: QuantumCircuit, device: Target, bindings: BindingsArray) -> AngleOutside | None:
    """Return an angle that the device does not take, ``None`` if it takes all.

    Args:
        isa: A circuit in the device's own gates.
        device: The device.
        bindings: Values of the circuit's parameters, of any shape.
    """
    limited = list(_limited_gates(isa, device))
    if not limited or not bindings.size:
        return None
    values = bindings.as_array(isa.parameters).reshape(bindings.size, isa.num_parameters)
    compiler = ExpressionCompiler(isa.parameters)
    angles = compiler.angle_map([compiler.form(angle) for _, _, angle in limited]).evaluate(values)
    for column, (name, qubits, _) in enumerate(limited):
        # A range has no holes, so its smallest and largest angle stand for all between them; NaN passes for both.
        for row in (int(np.argmin(angles[:, column])), int(np.argmax(angles[:, column]))):
            angle = float(angles[row, column])
            if not (math.isfinite(angle) if is_folded(device, name) else _is_supported(device, name, angle)):
                return AngleOutside(name, qubits, angle, row)
    return None


def refuse_angles(isa: QuantumCircuit, device: Target, bindings: BindingsArray) -> None:
    """Raise if a circuit's angles are not among those that the device takes; see :func:`angle_outside`.

    Raises:
        AngleOutOfRangeError: The message names the gate, the angle and what to do.
    """
    outside = angle_outside(isa, device, bindings)
    if outside is not None:
        raise AngleOutOfRangeError(f"{outside} Nothing was submitted. {outside.advice}")


def refusal_of(pubs: Iterable[SamplerPub], device: Target) -> str | None:
    """Say which of the PUBs' angles will be refused, ``None`` if none will."""
    for pub in pubs:
        outside = angle_outside(pub.circuit, device, pub.parameter_values)
        if outside is not None:
            return f"It will be refused: {outside} {outside.advice}"
    return None


class LimitedSampler(BaseSamplerV2):
    """A sampler that refuses angles which the device does not take, in a rehearsal as on the device.

    Args:
        sampler: Does the work.
        device: The device.
    """

    def __init__(self, sampler: BaseSamplerV2, device: Target):
        self._sampler = sampler
        self._device = device

    def run(
        self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> BasePrimitiveJob[PrimitiveResult[SamplerPubResult], Any]:
        """Run PUBs, all of them or none; see ``BaseSamplerV2.run``."""
        given = list(pubs)
        for pub in given:
            coerced = SamplerPub.coerce(pub, shots or 1)
            refuse_angles(coerced.circuit, self._device, coerced.parameter_values)
        return self._sampler.run(given, shots=shots)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sampler, name)


class LimitedEstimator(BaseEstimatorV2):
    """An estimator that refuses angles which the device does not take, in a rehearsal as on the device.

    Args:
        estimator: Does the work.
        device: The device.
    """

    def __init__(self, estimator: BaseEstimatorV2, device: Target):
        self._estimator = estimator
        self._device = device

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> BasePrimitiveJob[PrimitiveResult[PubResult], Any]:
        """Run PUBs, all of them or none; see ``BaseEstimatorV2.run``."""
        given = list(pubs)
        for pub in given:
            coerced = EstimatorPub.coerce(pub, precision)
            refuse_angles(coerced.circuit, self._device, coerced.parameter_values)
        return self._estimator.run(given, precision=precision)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._estimator, name)


def limited_sampler(sampler: BaseSamplerV2, device: Target | None) -> BaseSamplerV2:
    """Return a sampler that refuses angles which the device does not take: itself where it takes all."""
    limited = with_angle_limits(device)
    return sampler if limited is None else LimitedSampler(sampler, limited)


def limited_estimator(estimator: BaseEstimatorV2, device: Target | None) -> BaseEstimatorV2:
    """Return an estimator that refuses angles which the device does not take: itself where it takes all."""
    limited = with_angle_limits(device)
    return estimator if limited is None else LimitedEstimator(estimator, limited)


def with_angle_limits(device: Target | None) -> Target | None:
    """Return the device if some of its gates take some angles only, else ``None``."""
    limited = device is not None and any(is_bounded(device, name) for name in device.operation_names)
    return device if limited else None


def _limited_gates(
    isa: QuantumCircuit, device: Target
) -> Iterator[tuple[str, tuple[int, ...], float | ParameterExpression]]:
    for item in isa.data:
        if len(item.params) == 1 and is_bounded(device, item.operation.name):
            yield item.operation.name, tuple(isa.find_bit(qubit).index for qubit in item.qubits), item.params[0]


def _is_supported(device: Target, name: str, angle: float) -> bool:
    stated = device.supported_angle_bound
    # At the upper end devices allow for rounding, at the lower one they do not.
    return bool(stated(name, [angle]) or (angle > 0 and stated(name, [angle - _ABOVE])))
