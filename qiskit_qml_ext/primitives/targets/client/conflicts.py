"""Options of the Runtime client that exclude each other, or need another one.

The newer generation of primitives finds these when a job is made, which is after others were paid for; so they are
looked for before anything runs. Of the older generation the client itself refuses what it knows to be wrong when its
options are made, and the service knows the rest.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qiskit_qml_ext.primitives.targets.client.generations import Generation

Options = Mapping[str, Any]

_ROUNDING = 1e-9
_LEVEL_WITH_ZNE = 2  # the resilience level that extrapolates to zero noise without being told
_USUAL_FACTORS = (1, 3, 5)
_USUAL_EXTRAPOLATORS = ("exponential", "linear")
_FACTORS_NEEDED = {
    "linear": 2,
    "exponential": 2,
    "double_exponential": 4,
    "fallback": 1,
    **{f"polynomial_degree_{degree}": degree + 1 for degree in range(1, 8)},
}


def refuse_conflicts(sampler: Options, estimator: Options, kind: Generation) -> None:
    """Raise for options that exclude each other.

    Args:
        sampler: What was set for samplers.
        estimator: What was set for estimators.
        kind: The generation of the primitives.

    Raises:
        ValueError: The message names both options and says what to do.
    """
    if kind.name != "executor":
        return
    for rule, options in ((_twirled_signals, sampler), *((rule, estimator) for rule in _OF_ESTIMATORS)):
        said = rule(options)
        if said is not None:
            raise ValueError(said)


def refuse_signals(sampler: Options, name: str) -> None:
    """Raise for samplers that give signals of the readout where bits are needed.

    Args:
        sampler: What was set for samplers.
        name: What needs bits.

    Raises:
        ValueError: The message names the option.
    """
    kind = _signals(sampler)
    if kind is not None:
        raise ValueError(
            f"execution.meas_type={kind!r} makes samplers give signals of the readout, but {name} bits. Leave the "
            "option out, or use connection.sampler on a device. Nothing was submitted."
        )


def refuse_delays(options: Options, allowed: Sequence[float] | None, name: str) -> None:
    """Raise for a time between two shots that a device does not take.

    Args:
        options: What was set for a primitive.
        allowed: The shortest and the longest time that the device takes, in seconds; ``None`` where it says none.
        name: The device's name.

    Raises:
        ValueError: The message says which times it takes.
    """
    delay = options.get("execution", {}).get("rep_delay")
    if delay is None:
        return
    shortest, longest = (0.0, math.inf) if allowed is None else allowed
    # the client works out these ends from microseconds
    within = shortest * (1 - _ROUNDING) <= delay <= longest * (1 + _ROUNDING)
    if not within or math.isinf(delay) or (allowed is None and delay == 0):
        must = "positive and finite" if allowed is None else f"from {shortest:g} to {longest:g}, as the device says,"
        raise ValueError(f"execution.rep_delay, in seconds, must be {must} for {name}, but {delay!r} came.")


def _signals(sampler: Options) -> str | None:
    kind = sampler.get("execution", {}).get("meas_type")
    return None if kind in (None, "classified") else str(kind)


def _twirled_signals(sampler: Options) -> str | None:
    kind = _signals(sampler)
    if kind is None or not sampler.get("twirling", {}).get("enable_measure"):
        return None
    return (
        f"execution.meas_type={kind!r} and twirling.enable_measure=True exclude each other: twirled measurements are "
        "undone on bits. Leave one of them out."
    )


def _two_mitigations(estimator: Options) -> str | None:
    if not _resilience(estimator, "pec_mitigation") or not _extrapolates(estimator):
        return None
    if _resilience(estimator, "zne_mitigation") is None:
        return (
            f"resilience.pec_mitigation=True and resilience_level={_LEVEL_WITH_ZNE}, which extrapolates to zero noise, "
            "exclude each other. Set resilience.zne_mitigation=False, or a lower level."
        )
    return (
        "resilience.pec_mitigation=True and resilience.zne_mitigation=True exclude each other. Leave one of them out."
    )


def _noise_not_known(estimator: Options) -> str | None:
    amplified = _extrapolates(estimator) and _zne(estimator, "amplifier") == "pea"
    if _resilience(estimator, "layer_noise_model") is not None or not (
        amplified or _resilience(estimator, "pec_mitigation")
    ):
        return None
    asked = "resilience.zne.amplifier='pea'" if amplified else "resilience.pec_mitigation=True"
    return (
        f"{asked} needs to know the noise of the layers: set resilience.layer_noise_model, as NoiseLearnerV3 finds it. "
        "The older generation of primitives learns it on the service: generation='legacy'."
    )


def _too_few_factors(estimator: Options) -> str | None:
    if not _extrapolates(estimator):
        return None
    factors = _zne(estimator, "noise_factors", "auto")
    number = len(_USUAL_FACTORS if isinstance(factors, str) else factors)
    extrapolators = _zne(estimator, "extrapolator", _USUAL_EXTRAPOLATORS)
    for name in [extrapolators] if isinstance(extrapolators, str) else extrapolators:
        if number < _FACTORS_NEEDED.get(name, 0):
            return (
                f"resilience.zne.extrapolator={name!r} needs {_FACTORS_NEEDED[name]} noise factors or more, but there "
                f"are {number}. Set resilience.zne.noise_factors, or another extrapolator."
            )
    return None


_OF_ESTIMATORS: tuple[Callable[[Options], str | None], ...] = (_two_mitigations, _noise_not_known, _too_few_factors)


def _resilience(estimator: Options, name: str) -> Any:
    return estimator.get("resilience", {}).get(name)


def _zne(estimator: Options, name: str, usual: Any = None) -> Any:
    return estimator.get("resilience", {}).get("zne", {}).get(name, usual)


def _extrapolates(estimator: Options) -> bool:
    asked = _resilience(estimator, "zne_mitigation")
    return bool(asked) if asked is not None else estimator.get("resilience_level") == _LEVEL_WITH_ZNE
