"""What a class or a function of somebody's is made of: its code, and what its code reads besides its arguments.

A class of a library is known by its name: versions of packages are no content. A class of a program, a notebook or a
module beside it is edited from one run to the next, and two classes of one name may hold different values; so what such
a class holds is content. The code is that which Python runs: the same in every process of one version of Python,
whatever the file, the lines and the comments.
"""

import dis
import functools
import sys
import sysconfig
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from qiskit_qml_ext.primitives.journal.work.exclusions import CLASS_ATTRIBUTES, CLASS_ATTRIBUTES_BY_PREFIX

_LIBRARIES = ("qiskit", "qiskit_aer", "qiskit_ibm_runtime", "qiskit_braket_provider", "qiskit_qml_ext")
_WRAPPERS = (types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType)
_PLACES = (types.GetSetDescriptorType, types.MemberDescriptorType)  # of slots; what lies in them is the object's
_RUNS = ("run", "_run")
"""Where counting is a record of what happened; elsewhere, as in a method that adds a gate, it makes a setting."""
_COLLECTING = ("add", "append", "extend", "insert", "setdefault", "update")
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


@cache
def _is_library(module: str) -> bool:
    """Tell whether a module belongs to Python, to an installed package or to one of those that may be checked out."""
    top = module.partition(".")[0]
    if top in ("__main__", "__mp_main__"):
        return False
    if top in sys.builtin_module_names or top in _LIBRARIES:
        return True
    loaded = sys.modules.get(module) or sys.modules.get(top)
    file = getattr(loaded, "__file__", None)
    if file is None:
        return loaded is not None and top in sys.stdlib_module_names
    folders = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    parents = Path(file).resolve().parents
    if any(folder.name in ("site-packages", "dist-packages") for folder in parents):
        return True
    return any(Path(folder).resolve() in parents for folder in folders if folder)


def is_somebodys(kind: type) -> bool:
    """Tell whether a class is of a program or a module of somebody's, and not of an installed library.

    One that is made by calling ``type`` may have the module of the library whose metaclass made it: a library's class
    is found there by its name, or its functions are the library's.
    """
    module: object = kind.__module__
    if not isinstance(module, str):
        return False  # Qiskit's singletons, whose class stands above them
    if not _is_library(module):
        return True
    known: Any = sys.modules.get(module)
    for name in kind.__qualname__.split("."):
        known = getattr(known, name, None)
    if known is kind:
        return False
    functions = [value for value in vars(kind).values() if isinstance(value, types.FunctionType)]
    return not functions or any(code_is_somebodys(function) for function in functions)


def code_is_somebodys(function: types.FunctionType) -> bool:
    """Tell the same of a function; decorators give theirs the module of what they decorate, but not its globals."""
    return not _is_library(str(function.__globals__.get("__name__")))


def holds_anything_of_somebodys(kind: type) -> bool:
    """Tell whether a class, or one above it, is of somebody's."""
    return any(is_somebodys(cls) for cls in kind.__mro__)


def class_parts(kind: type) -> dict[str, Any]:
    """Return what a class of somebody's holds by itself, by names: functions, descriptors and values."""
    counted = _changed_by(kind)
    held = {
        name: value
        for name, value in sorted(vars(kind).items())
        if name not in CLASS_ATTRIBUTES
        and not (name in counted and is_record(value))
        and not name.startswith(tuple(CLASS_ATTRIBUTES_BY_PREFIX))
        and not isinstance(value, _PLACES)
    }
    return {"held": held, "bases": kind.__bases__, "metaclass": type(kind)}


def function_parts(function: types.FunctionType) -> dict[str, Any]:
    """Return what a function is made of: its code, defaults, the variables around it, and the constants it reads.

    Of the module's variables those count that hold numbers, text or tuples of them, unless the function itself
    changes them (a counter).
    """
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    recorded = _changed_in(function.__code__)[1] if function.__name__ in _RUNS else frozenset[str]()
    around = {name: _inside(cell) for name, cell in cells if not (name in recorded and is_record(_inside(cell)))}
    if not code_is_somebodys(function):
        return {"around": around, "defaults": [function.__defaults__, function.__kwdefaults__]}
    read, changed = _globals_of(function.__code__)
    variables = function.__globals__
    constants = {
        name: variables[name]
        for name in sorted(read - changed)
        if name in variables and not name.startswith("__") and _is_plain(variables[name])
    }
    return {
        "code": _code(function.__code__),
        "defaults": [function.__defaults__, function.__kwdefaults__],
        "around": around,
        "constants": constants,
    }


def descriptor_parts(value: object) -> Any:
    """Return what is behind a descriptor or a decorated function, ``None`` for what is neither."""
    if isinstance(value, property):
        return ["property", value.fget, value.fset, value.fdel]
    if isinstance(value, (staticmethod, classmethod)):
        return [type(value).__name__, value.__func__]
    if isinstance(value, functools.cached_property):
        return ["cached_property", value.func]
    if isinstance(value, functools.singledispatchmethod):
        return ["singledispatchmethod", value.func, list(value.dispatcher.registry.items())]
    if isinstance(value, _WRAPPERS):
        return ["compiled", value.__objclass__.__qualname__, value.__name__]
    if isinstance(value, functools._lru_cache_wrapper):  # what it remembers follows from the function
        return ["cache", value.__wrapped__]
    compiled = getattr(type(value), "__module__", None) or ""
    if compiled.startswith("numba.") and isinstance(getattr(value, "py_func", None), types.FunctionType):
        return ["numba", value.py_func]  # type: ignore[attr-defined]
    if compiled in ("typing", "types") and not isinstance(value, (types.FunctionType, types.MethodType, type)):
        return ["typing", repr(value)] if not isinstance(value, (types.ModuleType, types.SimpleNamespace)) else None
    return None


def cached_names(kind: type) -> set[str]:
    """Return the attributes in which objects of somebody's class keep the values of cached properties."""
    held = (vars(cls).items() for cls in kind.__mro__ if is_somebodys(cls))
    return {name for items in held for name, value in items if isinstance(value, functools.cached_property)}


def counted_names(kind: type) -> set[str]:
    """Return the attributes in which objects of somebody's class count or collect while they run."""
    return {name for cls in kind.__mro__ if is_somebodys(cls) for name in _changed_by(cls)}


def is_record(value: object) -> bool:
    """Tell whether a value is one that can be counted up or collected into; a fraction is an angle rather."""
    return isinstance(value, (int, list, dict, set)) and not isinstance(value, bool)


def _inside(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a variable that was never set
        return "<unset>"


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(item) for item in value)
    return type(value) in _PLAIN


def _code(code: types.CodeType) -> dict[str, Any]:
    """Write code, without places in files; sets of constants in a fixed order."""
    return {
        "code": code.co_code.hex(),
        "exceptions": getattr(code, "co_exceptiontable", b"").hex(),
        "arguments": [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags],
        "names": [code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars],
        "constants": [_constant(value) for value in code.co_consts],
    }


def _constant(value: object) -> Any:
    if isinstance(value, types.CodeType):
        return _code(value)
    if isinstance(value, tuple):
        return ["tuple", *(_constant(item) for item in value)]
    if isinstance(value, frozenset):
        return ["set", *sorted((_constant(item) for item in value), key=repr)]
    return [type(value).__name__, repr(value)]


@cache
def _globals_of(code: types.CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Return the module's variables that code reads, and those that it changes, functions inside it included."""
    steps = [(step.opname, step.argval) for part in _with_inner(code) for step in dis.get_instructions(part)]
    read = frozenset(name for kind, name in steps if kind in ("LOAD_GLOBAL", "LOAD_NAME"))
    return read, frozenset(name for kind, name in steps if kind in ("STORE_GLOBAL", "DELETE_GLOBAL"))


def _changed_by(kind: type) -> set[str]:
    """Return the attributes that a class changes in place while it runs: counters and collections."""
    functions = [vars(kind).get(name) for name in _RUNS]
    codes = [function.__code__ for function in functions if isinstance(function, types.FunctionType)]
    return {name for code in codes for name in _changed_in(code)[0]}


@cache
def _changed_in(code: types.CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Return the attributes, and the variables around a function, that its code changes in place (``+=``, append)."""
    attributes, variables = set(), set()
    for part in _with_inner(code):
        steps = list(dis.get_instructions(part))
        for place, step in enumerate(steps):
            before = steps[max(0, place - 3) : place]
            if step.opname == "STORE_ATTR" and any(map(_is_in_place, before)):
                attributes.add(step.argval)
            elif step.opname == "STORE_DEREF" and any(map(_is_in_place, before)):
                variables.add(step.argval)
            elif step.opname in ("LOAD_METHOD", "LOAD_ATTR") and step.argval in _COLLECTING and before:
                if before[-1].opname == "LOAD_ATTR":
                    attributes.add(before[-1].argval)
                elif before[-1].opname == "LOAD_DEREF":
                    variables.add(before[-1].argval)
    return frozenset(attributes), frozenset(variables)


def _is_in_place(step: dis.Instruction) -> bool:
    return step.opname.startswith("INPLACE_") or (step.opname == "BINARY_OP" and step.argrepr.endswith("="))


def _with_inner(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for value in code.co_consts:
        if isinstance(value, types.CodeType):
            yield from _with_inner(value)
