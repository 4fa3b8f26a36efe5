"""Stable forms: plain JSON values that are the same in every process for equal things, and others for different ones.

What has no stable form is refused: an address or a random id makes a key that is never found again, and a name that
stands for several things makes a key that finds another's result.
"""

import dataclasses
import enum
import functools
import hashlib
import json
import math
import os
import re
import types
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Operation, ParameterExpression

from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.journal.work.class_parts import (
    cached_names,
    class_parts,
    code_is_somebodys,
    counted_names,
    descriptor_parts,
    function_parts,
    holds_anything_of_somebodys,
    is_record,
    is_somebodys,
)
from qiskit_qml_ext.primitives.journal.work.exclusions import CREDENTIALS, FIRST_MODULES, SILENT_TYPES

_PACKAGE = "qiskit_qml_ext"
_LONGEST_ARRAY = 1000  # numbers that are written out; of more, the digest
_DEEPEST = 40  # objects in objects; more is not a setting
_RANDOM_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)

FORMS: dict[str, Callable[[Any], Any]] = {}
"""What writes objects of classes (by module and name, and all below them) that do not show their content by
themselves; other modules add theirs."""

UNSET = "<unset>"
"""The form of options that their owner marks as not set."""


def digest_of(form: Any) -> str:
    """Return the digest of a stable form, 32 hexadecimal characters."""
    text = json.dumps(form, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def name_of(kind: type) -> str:
    """Return a class's module and name; Qiskit's singletons have the name of the gate's own class."""
    return _full_name(next(cls for cls in kind.__mro__ if isinstance(cls.__module__, str)))


def _full_name(thing: Any) -> str:
    """Return where a class or a function is defined, and its name there.

    Of our own it is the name of the package, so that a file can move; of those that had more in their names before, it
    is what they had. A program that a process was spawned from is the program still.
    """
    module = "__main__" if thing.__module__ == "__mp_main__" else thing.__module__
    if str(module).partition(".")[0] == _PACKAGE:  # a compiled function's may be None
        module = FIRST_MODULES.get(thing.__qualname__, _PACKAGE)
    return f"{module}.{thing.__qualname__}"


def class_of(value: object) -> dict[str, Any]:
    """Return what an object's class is: its name, and of somebody's classes what they hold.

    Raises:
        ValueError: If such a class holds what has no stable form.
    """
    kind = type(value)
    if not holds_anything_of_somebodys(kind):
        return {"class": name_of(kind)}
    return {"class": name_of(kind), "holds": stable(kind, f"The class {kind.__name__}")}


def stable(value: Any, where: str, *, by_code: bool = False) -> Any:
    """Return the stable form of a value.

    Args:
        value: Plain values, arrays, containers, circuits, and objects that hold such things in their attributes. An
            object with a method ``journal_content()`` is known by its class and what this returns.
        where: What the value is, for the message.
        by_code: Whether functions without a name of their own (lambdas, those inside others) are known by their code
            and what it takes from around it; otherwise they are refused.

    Raises:
        ValueError: If it has none.
    """
    return _Writer(where, by_code=by_code).write(value)


class _Writer:
    """Writes one value; knows the objects that it stands in, so that circles end."""

    def __init__(self, where: str, *, by_code: bool = False):
        self._where = where
        self._by_code = by_code
        self._open: list[int] = []
        self._inside: list[object] = []  # classes and functions that are being written
        self._written: dict[int, tuple[object, Any]] = {}  # and those that are, kept so that no address is used twice

    def write(self, value: Any) -> Any:
        """Return the stable form of a value or of a part of it."""
        if value is None or (isinstance(value, (bool, str)) and not isinstance(value, enum.Enum)):
            return self._text(value) if isinstance(value, str) else value
        if isinstance(value, (np.longdouble, np.clongdouble)):
            return {"<number>": str(value)}
        if isinstance(value, np.generic):
            return self.write(value.item())
        if isinstance(value, (int, float, complex)) and not isinstance(value, enum.Enum):
            return _number(value)
        if id(value) in self._open:
            return {"<circle>": len(self._open) - self._open.index(id(value))}
        if len(self._open) > _DEEPEST:
            raise self._refusal(f"{type(value).__name__} in more than {_DEEPEST} others")
        self._open.append(id(value))
        try:
            return self._thing(value)
        finally:
            self._open.pop()

    def _thing(self, value: Any) -> Any:
        kind = name_of(type(value))
        if kind in SILENT_TYPES:
            return {"<type>": kind}
        if isinstance(value, (np.ndarray, Mapping, list, tuple, set, frozenset)):
            items = self._items(value)
            if type(value).__module__ == "builtins":
                return items
            more, holds = getattr(value, "__dict__", {}), self._held_by_class(value)
            if not more and not holds:
                return items
            return {"<class>": kind, **holds, "items": items, "attributes": self._mapping(more)}
        plain = _plain(value)
        if plain is not None:
            return plain
        if kind.endswith(".UnsetType"):
            return UNSET
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType)):
            return self._callable(value)
        if isinstance(value, functools.partial):
            return {"<partial>": [self.write(value.func), self.write(value.args), self.write(value.keywords)]}
        if isinstance(value, types.ModuleType):
            return {"<module>": value.__name__}
        if self._inside:
            behind = descriptor_parts(value)
            if behind is not None:
                return {"<behind>": [self.write(part) for part in behind]}
        return {"<class>": kind, **self._held_by_class(value), **self._object(value)}

    def _held_by_class(self, value: Any) -> dict[str, Any]:
        """Return what an object's class holds, if it is somebody's and does not say its content by itself."""
        if not holds_anything_of_somebodys(type(value)) or hasattr(value, "journal_content"):
            return {}
        return {"holds": self._code_of(type(value))}

    def _items(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, (list, tuple)):
            return [self.write(item) for item in value]
        return {"<set>": _sorted(self.write(item) for item in value)}

    def _object(self, value: Any) -> dict[str, Any]:
        """Write what an object of any other class is: by what it says of itself, or by all that it holds."""
        if hasattr(value, "journal_content"):
            return {"content": self.write(value.journal_content())}
        known = _known(value)
        if known is not None:
            return known
        if isinstance(value, np.random.Generator):
            return {"state": self.write(value.bit_generator.state)}
        written: dict[str, Any] = {"attributes": self._mapping(attributes_of(value))}
        if not _holds_more(value):
            return written
        if hasattr(value, "__array__"):
            return {**written, "array": self._array(np.asarray(value))}
        return {**written, "parts": self._parts(value)}

    def _parts(self, value: Any) -> Any:
        """Write an object of a compiled class by what it would be copied from; its text may be rounded or cut."""
        try:
            parts = value.__reduce_ex__(2)
        except Exception:  # whatever its author raises
            parts = None
        if not isinstance(parts, tuple) or type(value) is object:
            raise self._refusal(repr(value))
        return [self.write(list(part) if isinstance(part, Iterator) else part) for part in parts]

    def _array(self, value: np.ndarray[Any, Any]) -> Any:
        if isinstance(value, np.ma.MaskedArray):
            mask = np.ma.getmaskarray(value)
            return {"<masked>": [self._array(np.asarray(value.filled(0))), self._array(mask)]}
        if value.dtype == object or value.size <= _LONGEST_ARRAY:
            return self.write(value.tolist())
        if not np.issubdtype(value.dtype, np.number) and value.dtype != bool:
            raise self._refusal(f"array of {value.dtype}")
        content = hashlib.blake2b(np.ascontiguousarray(value).tobytes(), digest_size=16).hexdigest()
        return {"<array>": [value.dtype.str, list(value.shape), content]}

    def _mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        kept = {key: item for key, item in value.items() if not (isinstance(key, str) and CREDENTIALS.search(key))}
        if all(isinstance(key, str) for key in kept):  # names in <> are those of this module
            return {written_name(key): self.write(item) for key, item in kept.items()}
        pairs = ([self.write(key), self.write(item)] for key, item in kept.items())
        return {"<mapping>": _sorted(pairs)}

    def _callable(self, value: Any) -> Any:
        if isinstance(value, types.MethodType):
            return {"<method>": [value.__func__.__qualname__, self.write(value.__self__)]}
        name = _full_name(value)
        is_nameless = not isinstance(value, type) and ("<locals>" in name or "<lambda>" in name)
        if is_nameless and not self._inside and not self._by_code:
            raise self._refusal(name)
        holds = self._code_of(value)
        return {"<name>": name} if holds is None else {"<name>": name, "holds": holds}

    def _code_of(self, value: Any) -> Any:
        """Write what a class or a function of somebody's holds, each once; ``None`` for those of libraries."""
        is_class = isinstance(value, type)
        if is_class and not holds_anything_of_somebodys(value):
            return None
        if not is_class and not isinstance(value, types.FunctionType):
            return None
        if not is_class and not code_is_somebodys(value) and not (self._inside and value.__closure__):
            return None
        if any(value is other for other in self._inside):
            return {"<circle>": value.__qualname__}
        if id(value) not in self._written:
            self._inside.append(value)
            try:
                parts = self._parts_of_class(value) if is_class else self._mapping(function_parts(value))
            finally:
                self._inside.pop()
            self._written[id(value)] = value, digest_of(parts)
        return self._written[id(value)][1]

    def _parts_of_class(self, kind: type) -> Any:
        """Write a class with all classes above it; those of libraries by their names."""
        return [
            {"<class>": name_of(cls), **(self._mapping(class_parts(cls)) if is_somebodys(cls) else {})}
            for cls in kind.__mro__
        ]

    def _text(self, text: str) -> str:
        if " at 0x" in text or _RANDOM_ID.search(text):
            raise self._refusal(text)
        return text

    def _refusal(self, text: str) -> ValueError:
        return ValueError(
            f"{self._where} holds {text}, which cannot be told from others like it in a later run, so that a journal "
            "cannot use it: its results would be paid for again, or be taken for another's. Set it to plain values, or "
            "give its class a method journal_content() that returns plain values by which its results are known."
        )


def written_name(name: str) -> str:
    """Return the form of a name of somebody's, which is none of this module's."""
    return f"<{name}" if name.startswith("<") else str(name)


def attributes_of(value: object) -> dict[str, Any]:
    """Return an object's attributes: the fields of models and dataclasses, those in slots, and all others."""
    fields = getattr(type(value), "model_fields", None)
    if fields is not None:  # a Pydantic model; what it notes of itself (which fields were set) is no value
        held = {name: getattr(value, name) for name in fields}
        return {**held, **(getattr(value, "__pydantic_extra__", None) or {})}
    attributes: dict[str, Any] = {}
    if dataclasses.is_dataclass(value):
        names = [item.name for item in dataclasses.fields(value)]
        attributes = {name: getattr(value, name) for name in names if hasattr(value, name)}
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            mangled = f"_{cls.__name__.lstrip('_')}{name}" if name.startswith("__") else name
            if not name.endswith("__") and hasattr(value, mangled):
                attributes[mangled] = getattr(value, mangled)
    held = getattr(value, "__dict__", {})
    cached, counted = cached_names(type(value)), counted_names(type(value))
    if cached or counted:
        held = {
            name: item
            for name, item in held.items()
            if name not in cached and not (name in counted and is_record(item))
        }
    return {**attributes, **held}


def _number(value: complex) -> Any:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        number = float(value) + 0.0  # -0.0 is 0.0, and 1.0 is 1
        if not math.isfinite(number):
            return {"<number>": repr(number)}
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return {"<complex>": [_number(value.real), _number(value.imag)]}


def _plain(value: Any) -> Any:
    """Return the form of what says all by its text, ``None`` for others."""
    if value is Ellipsis or value is NotImplemented:
        return {"<number>": repr(value)}
    if isinstance(value, enum.Enum):
        return {"<enum>": [name_of(type(value)), value.name]}
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (range, Fraction, timedelta, np.dtype, re.Pattern)):
        return repr(value)
    if isinstance(value, (bytes, bytearray)):
        return {"<bytes>": hashlib.blake2b(bytes(value), digest_size=16).hexdigest()}
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, uuid.UUID) and value.version != 4:
        return str(value)
    return None


def _known(value: Any) -> dict[str, Any] | None:
    """Return the content of those objects whose attributes do not say it."""
    names = (f"{cls.__module__}.{cls.__qualname__}" for cls in type(value).__mro__)
    form = next((FORMS[name] for name in names if name in FORMS), None)
    if form is not None:
        return {"content": form(value)}
    if isinstance(value, QuantumCircuit):
        return {"circuit": circuit_key(value)}
    if isinstance(value, ParameterExpression):
        return {"expression": str(value)}
    if isinstance(value, Operation):
        circuit = QuantumCircuit(value.num_qubits, value.num_clbits)
        circuit.append(value, range(value.num_qubits), range(value.num_clbits))
        return {"circuit": circuit_key(circuit)}
    if type(value).__name__ == "CouplingMap":
        return {"edges": sorted([int(a), int(b)] for a, b in value.get_edges()), "size": int(value.size())}
    return None


def _holds_more(value: object) -> bool:
    """Tell whether an object holds more than its attributes: its class, or one above it, is compiled."""
    if hasattr(type(value), "model_fields"):
        return False  # Pydantic's
    slots = sum(len(cls.__dict__.get("__slots__", ())) for cls in type(value).__mro__)
    pointer = np.dtype(np.intp).itemsize
    plain = object.__basicsize__ + pointer * (2 + slots)  # its attributes' dictionary and weak references
    return (not hasattr(value, "__dict__") and not slots) or type(value).__basicsize__ > plain


def _sorted(items: Iterable[Any]) -> list[Any]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
