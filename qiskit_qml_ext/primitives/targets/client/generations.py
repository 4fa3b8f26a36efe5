"""The two generations of the Runtime client's primitives.

Those of the older one send the PUBs and their options to the service, which mitigates errors there (``SamplerV2``,
``EstimatorV2``, deprecated since 0.50). Those of the newer one prepare circuits and process results in the client, and
send the service what the ``executor`` is to run.
"""

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

AUTO = "auto"


@dataclass(frozen=True)
class Generation:
    """A generation of primitives."""

    name: str
    """``"executor"`` or ``"legacy"``."""
    sampler: Any
    """The class of its samplers."""
    estimator: Any
    """The class of its estimators."""
    sampler_options: Any
    """The class of the samplers' options."""
    estimator_options: Any
    """The class of the estimators' options."""


def generation(name: str = AUTO) -> Generation:
    """Return a generation of primitives.

    Args:
        name: ``"executor"``, ``"legacy"``, or ``"auto"`` for the newest that the installed client has.

    Raises:
        ValueError: If the installed client does not have it.
    """
    if name == AUTO:
        return next(iter(generations().values()))
    known = generations()
    if name not in known:
        has = " or ".join(map(repr, (AUTO, *known)))
        more = "" if name not in _KINDS else " The executor's primitives came with qiskit-ibm-runtime 0.50."
        raise ValueError(f"generation must be {has}, but {name!r} came.{more}")
    return known[name]


@functools.cache
def generations() -> dict[str, Generation]:
    """Return the generations that the installed client has, the newest first."""
    known: dict[str, Generation] = {}
    for name, load in _KINDS.items():
        try:
            known[name] = load()
        except ImportError:  # the client is older, or newer and has left it behind
            continue
    return known


def unreadable(program: str) -> str | None:
    """Say why the installed client cannot read the results of a program's jobs; ``None`` if nothing is known of it.

    Args:
        program: The service's name of what a job runs. Primitives of the executor run a program of that name.
    """
    if program != "executor" or program in generations():
        return None
    return (
        f"the installed qiskit-ibm-runtime {version('qiskit-ibm-runtime')} cannot read its result, made with "
        "the executor's primitives, which came with 0.50. Install 0.50 or newer"
    )


def _executor() -> Generation:
    from qiskit_ibm_runtime.executor_estimator import Estimator
    from qiskit_ibm_runtime.executor_sampler import Sampler  # a client before 0.50 has no such name there
    from qiskit_ibm_runtime.options_models.estimator import EstimatorOptions
    from qiskit_ibm_runtime.options_models.sampler import SamplerOptions

    return Generation("executor", Sampler, Estimator, SamplerOptions, EstimatorOptions)


def _legacy() -> Generation:
    from qiskit_ibm_runtime import EstimatorV2, SamplerV2
    from qiskit_ibm_runtime.options import EstimatorOptions, SamplerOptions

    return Generation("legacy", SamplerV2, EstimatorV2, SamplerOptions, EstimatorOptions)


_KINDS: dict[str, Callable[[], Generation]] = {"executor": _executor, "legacy": _legacy}


def quietly(make: Callable[..., Any], **settings: Any) -> Any:
    """Make a primitive without the client's word that its generation is deprecated: it was asked for by name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The (Sampler|Estimator)V2 class is deprecated", DeprecationWarning)
        return make(**settings)
