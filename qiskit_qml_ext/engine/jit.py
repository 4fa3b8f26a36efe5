"""The project's one JIT decorator.

Every compiled function releases the GIL and is cached on disk, so that compilation happens once per machine. Numba
keeps the cache beside the module or, if that folder is read-only, in the user's cache folder (``NUMBA_CACHE_DIR``
overrides both). Where no folder can be written at all, the functions still work and are compiled anew in each process.

Numba decides whether a cached function is still valid by the file that it is written in, although code from other files
is compiled into it. A fingerprint of all source files of the engine is therefore made part of the cache's key: it is
attached as a closure variable that the function does not use, because closure variables belong to that key.
"""

import hashlib
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CellType, FunctionType
from typing import TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., object])


def njit(function: _F) -> _F:
    """Compile ``function`` without the GIL, in no-Python mode, cached on disk where a folder can be written.

    Division follows IEEE 754 (no ``ZeroDivisionError``), so that loops stay free of branches.
    """
    try:
        return cast(_F, numba.njit(cache=True, nogil=True, error_model="numpy")(_with_fingerprint(function)))
    except RuntimeError:  # numba raises it when no cache folder is writable
        _warn_once()
        return cast(_F, numba.njit(nogil=True, error_model="numpy")(function))


@cache
def _warn_once() -> None:
    warnings.warn(
        "No folder for numba's cache can be written, so every process compiles the engine anew. Set NUMBA_CACHE_DIR.",
        RuntimeWarning,
        stacklevel=4,
    )


def _with_fingerprint(function: _F) -> FunctionType:
    plain = cast(FunctionType, function)
    code = plain.__code__.replace(co_freevars=(*plain.__code__.co_freevars, "source_fingerprint"))
    closure = (*(plain.__closure__ or ()), CellType(_source_fingerprint()))
    marked = FunctionType(code, plain.__globals__, plain.__name__, plain.__defaults__, closure)
    marked.__doc__, marked.__module__, marked.__qualname__ = plain.__doc__, plain.__module__, plain.__qualname__
    marked.__annotations__ = plain.__annotations__
    return marked


@cache
def _source_fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
