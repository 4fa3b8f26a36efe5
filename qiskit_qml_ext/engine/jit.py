"""The project's one JIT decorator.

Every compiled function releases the GIL and is cached on disk, so that compilation happens once per machine. Numba keeps
the cache beside the module or, if that folder is read-only, in the user's cache folder (``NUMBA_CACHE_DIR`` overrides
both). Where no folder can be written at all, the functions still work and are compiled anew in each process.
"""

import warnings
from collections.abc import Callable
from typing import TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., object])


def njit(function: _F) -> _F:
    """Compile ``function`` without the GIL, in no-Python mode, cached on disk where a folder can be written.

    Division follows IEEE 754 (no ``ZeroDivisionError``), so that loops stay free of branches.
    """
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return cast(_F, numba.njit(cache=True, **options)(function))
    except RuntimeError as error:  # numba raises it when no cache folder is writable
        warnings.warn(f"{function.__name__} is compiled without an on-disk cache: {error}", RuntimeWarning, stacklevel=2)
        return cast(_F, numba.njit(**options)(function))
