"""From Qiskit's ``ParameterExpression`` to affine forms over atoms, without ``eval`` and without sympy.

Qiskit keeps, for serialisation to QPY, the list of elementary operations that built an expression (``_qpy_replay``, a
stack program). Reading that list needs no parser. As the list is not part of Qiskit's documented interface, every
compiled expression that is not affine is compared with Qiskit's own ``bind`` at one generic point, so that a change
of its meaning would be an error and never a wrong angle.
"""

import math
from collections.abc import Sequence

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program.angles import FUNCTIONS, UNARY, AffineRows, AngleMap

Number = int | float | complex

_OPCODES = (
    *("add", "sub", "mul", "div", "pow", "sin", "cos", "tan", "arcsin", "arccos", "exp", "log", "sign", "gradient"),
    *("conjugate", "substitute", "abs", "arctan", "rsub", "rdiv", "rpow"),
)
_REVERSED = {"rsub": "sub", "rdiv": "div", "rpow": "pow"}
_CHECK_RTOL = 1e-9  # far above rounding, far below any real difference
_IMAGINARY_ATOL = 1e-14  # rounding of complex constants that cancel


class Form:
    """An affine form: ``constant + Σ_a terms[a] * atom_a``, complex while an expression is being built."""

    __slots__ = ("constant", "terms")

    def __init__(self, constant: Number = 0.0, terms: dict[int, Number] | None = None) -> None:
        self.constant = constant
        self.terms = terms or {}

    def add(self, other: "Form", factor: Number = 1.0) -> "Form":
        """``self + factor * other``."""
        terms = dict(self.terms)
        for atom, coefficient in other.terms.items():
            total = terms.pop(atom, 0.0) + factor * coefficient
            if total != 0:
                terms[atom] = total
        return Form(self.constant + factor * other.constant, terms)

    def scale(self, factor: Number) -> "Form":
        """``factor * self``."""
        if factor == 0:
            return Form()
        return Form(self.constant * factor, {atom: factor * value for atom, value in self.terms.items()})

    def key(self) -> tuple[Number, tuple[tuple[int, Number], ...]]:
        """A hashable identity."""
        return self.constant, tuple(sorted(self.terms.items()))


class ExpressionCompiler:
    """Collects expressions over a fixed tuple of parameters and hands out the :class:`AngleMap` of chosen forms."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._atom_of = {parameter: index for index, parameter in enumerate(parameters)}
        self._parameters = tuple(parameters)
        self._nodes: list[tuple[int, Form, Form]] = []
        self._levels: list[int] = [0] * len(self._parameters)
        self._node_of: dict[object, int] = {}

    def form(self, expression: ParameterExpression | Number) -> Form:
        """The real affine form of a gate's parameter.

        Raises:
            UnsupportedCircuitError: The expression is complex, or uses an operation that is not known here.
        """
        if not isinstance(expression, ParameterExpression):
            return _real(Form(_number(expression)), expression)
        if isinstance(expression, Parameter):
            return self._parameter(expression)
        form = _real(self._replay(expression), expression)
        if any(atom >= len(self._parameters) for atom in form.terms):
            self._check(expression, form)
        return form

    def angle_map(self, forms: Sequence[Form]) -> AngleMap:
        """The map whose k-th angle is ``forms[k]``."""
        num_parameters = len(self._parameters)
        # sorted by (level, function), nodes that can be evaluated together are neighbours
        order = sorted(
            range(len(self._nodes)), key=lambda node: (self._levels[num_parameters + node], self._nodes[node][0])
        )
        new_atom = {num_parameters + node: num_parameters + place for place, node in enumerate(order)}

        def pairs(chosen: Sequence[Form]) -> list[tuple[dict[int, float], float]]:
            return [
                ({new_atom.get(atom, atom): float(np.real(value)) for atom, value in form.terms.items()},
                 float(np.real(form.constant)))
                for form in chosen
            ]  # fmt: skip

        nodes = [self._nodes[node] for node in order]
        return AngleMap(
            num_parameters=num_parameters,
            functions=np.array([function for function, _, _ in nodes], dtype=np.int64),
            left=AffineRows.from_forms(pairs([left for _, left, _ in nodes])),
            right=AffineRows.from_forms(pairs([right for _, _, right in nodes])),
            rows=AffineRows.from_forms(pairs(forms)),
        )

    def _replay(self, expression: ParameterExpression) -> Form:
        """Run the stack program."""
        stack: list[Form] = []
        for step in expression._qpy_replay:
            name = _OPCODES[int(step.op)]
            if name in ("add", "sub", "mul", "div", "pow", *_REVERSED):
                right = stack.pop() if step.rhs is None else self._operand(step.rhs)
                left = stack.pop() if step.lhs is None else self._operand(step.lhs)
                if name in _REVERSED:
                    left, right = right, left
                stack.append(self._binary(_REVERSED.get(name, name), left, right, expression))
            else:
                operand = stack.pop() if step.lhs is None else self._operand(step.lhs)
                stack.append(self._unary(name, operand, expression))
        if len(stack) != 1:
            raise UnsupportedCircuitError(f"The parameter expression {expression} could not be read.")
        return stack[0]

    def _operand(self, operand: object) -> Form:
        if isinstance(operand, Parameter):
            return self._parameter(operand)
        if isinstance(operand, ParameterExpression):
            return self._replay(operand)
        return Form(_number(operand))

    def _parameter(self, parameter: Parameter) -> Form:
        atom = self._atom_of.get(parameter)
        if atom is None:
            raise UnsupportedCircuitError(
                f"The definition of a gate uses the parameter {parameter.name!r}, which the circuit does not have, so "
                "that it can never be bound. A gate must list all its free parameters in params (two parameters of one "
                "name are still two)."
            )
        return Form(0.0, {atom: 1.0})

    def _binary(self, name: str, left: Form, right: Form, expression: ParameterExpression) -> Form:
        if name in ("add", "sub"):
            return left.add(right, 1.0 if name == "add" else -1.0)
        if name == "mul" and not (left.terms and right.terms):
            return right.scale(left.constant) if not left.terms else left.scale(right.constant)
        if name == "div" and not right.terms:
            return left.scale(1.0 / right.constant)
        if name == "pow" and not right.terms:
            if not left.terms:
                return Form(left.constant**right.constant)
            if right.constant in (0, 1):
                return left if right.constant == 1 else Form(1.0)
        return self._node(name, _real(left, expression), _real(right, expression))

    def _unary(self, name: str, operand: Form, expression: ParameterExpression) -> Form:
        if name == "conjugate":
            conjugated = {atom: np.conj(value) for atom, value in operand.terms.items()}
            return Form(np.conj(operand.constant), conjugated)
        if name not in UNARY:
            raise UnsupportedCircuitError(
                f"The operation {name!r} in the parameter expression {expression} is unknown."
            )
        operand = _real(operand, expression)
        if not operand.terms:
            return Form(float(getattr(np, name)(operand.constant)))
        return self._node(name, operand, Form())

    def _node(self, name: str, left: Form, right: Form) -> Form:
        if name == "mul" and repr(right.key()) < repr(left.key()):
            left, right = right, left
        key = (name, left.key(), right.key())
        if key not in self._node_of:
            self._node_of[key] = len(self._levels)
            self._nodes.append((FUNCTIONS.index(name), left, right))
            self._levels.append(1 + max(self._levels[atom] for atom in (*left.terms, *right.terms)))
        return Form(0.0, {self._node_of[key]: 1.0})

    def _check(self, expression: ParameterExpression, form: Form) -> None:
        """Compare with Qiskit's own evaluation at a generic point (inside the domain of most functions)."""
        point = {p: 0.3 + 0.4 * math.modf(0.618034 * (self._atom_of[p] + 1))[0] for p in expression.parameters}
        try:
            expected = complex(expression.bind(point))
        except (ArithmeticError, TypeError, ValueError):
            return  # the point is outside the domain
        values = np.zeros((1, len(self._parameters)))
        for parameter, value in point.items():
            values[0, self._atom_of[parameter]] = value
        compiled = self._evaluate(form, values[0].tolist())
        if math.isfinite(compiled) and abs(compiled - expected) > _CHECK_RTOL * max(1.0, abs(expected)):
            raise UnsupportedCircuitError(
                f"The parameter expression {expression} could not be compiled: at a test point it gives {compiled}, "
                f"Qiskit gives {expected}. Please report this together with the Qiskit version."
            )

    def _evaluate(self, form: Form, values: list[float]) -> float:
        """The value of one form, one sample, by plain recursion."""
        total = float(np.real(form.constant))
        for atom, coefficient in form.terms.items():
            if atom < len(values):
                value = values[atom]
            else:
                function, left, right = self._nodes[atom - len(values)]
                first, second = self._evaluate(left, values), self._evaluate(right, values)
                value = _scalar_function(FUNCTIONS[function], first, second)
            total += float(np.real(coefficient)) * value
        return total


def _scalar_function(name: str, first: float, second: float) -> float:
    with np.errstate(all="ignore"):
        if name in UNARY:
            return float(getattr(np, name)(first))
        return float({"mul": np.multiply, "div": np.divide, "pow": np.power}[name](first, second))


def _number(value: object) -> Number:
    if isinstance(value, complex | np.complexfloating):
        number = complex(value)
        return number.real if number.imag == 0.0 else number
    if isinstance(value, int | float | np.integer | np.floating):
        return float(value)
    raise UnsupportedCircuitError(f"A gate has the parameter {value!r}, which is neither a number nor an expression.")


def _real(form: Form, expression: object) -> Form:
    numbers = (form.constant, *form.terms.values())
    if any(abs(np.imag(number)) > _IMAGINARY_ATOL for number in numbers):
        raise UnsupportedCircuitError(f"The gate parameter {expression} is complex; angles must be real.")
    if any(isinstance(number, complex | np.complexfloating) for number in numbers):
        terms: dict[int, Number] = {atom: float(np.real(value)) for atom, value in form.terms.items()}
        return Form(float(np.real(form.constant)), terms)
    return form
