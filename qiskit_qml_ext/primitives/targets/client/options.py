"""Options of the Runtime client's primitives, checked when ``connect`` is called and not when something runs.

They may come as keywords, as dictionaries, or as the client's own objects, of either generation. What a sampler has not
and an estimator has goes to the estimator only, and the other way round; what neither has is refused.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qiskit_qml_ext.primitives.targets.client.conflicts import refuse_conflicts
from qiskit_qml_ext.primitives.targets.client.fields import (
    dotted_names,
    field_names,
    is_group,
    is_unset,
    set_values,
)
from qiskit_qml_ext.primitives.targets.client.generations import Generation, generations

ARGUMENTS_OF_CONNECT = (
    "shots",
    "seed",
    "optimization_level",
    "transpile_trials",
    "mode",
    "journal",
    "policy",
    "packing",
    "packing_buffer",
    "max_executions",
    "max_cost",
    "price_per_minute",
    "max_qpu_seconds",
    "quota",
    "max_executions_per_job",
    "fractional",
    "replay",
)
"""What else a misspelt option may mean."""

_SAID_ELSEWHERE = {"default_shots": "shots", "default_precision": "shots (the precision is their inverse root)"}


@dataclass(frozen=True)
class PrimitiveOptions:
    """What was set for the primitives of a target, as nested dictionaries."""

    sampler: Mapping[str, Any] = field(default_factory=dict)
    """What its samplers get."""
    estimator: Mapping[str, Any] = field(default_factory=dict)
    """What its estimators get."""
    not_of_samplers: tuple[str, ...] = ()
    """Names of those that were given for both and that samplers have not."""
    not_of_estimators: tuple[str, ...] = ()
    """Names of those that were given for both and that estimators have not."""

    @classmethod
    def of(cls, given: Mapping[str, Any], kind: Generation) -> "PrimitiveOptions":
        """Check what was given to ``connect``, and give each primitive its part.

        Args:
            given: Options by name. ``options`` among them is a dictionary of more, one of the client's own objects
                (``SamplerOptions``, ``EstimatorOptions``) or a list of these.
            kind: The generation of the primitives.

        Raises:
            TypeError: If an option is not known, or not what it must be; the message says what may have been meant.
            ValueError: If a value is not one of those that the client takes, or options exclude each other.
        """
        keywords = {name: value for name, value in given.items() if name != "options"}
        wholes = list(_wholes(given.get("options")))
        for whole in (item for item in wholes if isinstance(item, Mapping)):
            twice = sorted(set(whole) & set(keywords))
            if twice:
                raise TypeError(f"The option {twice[0]} came twice: by itself and in options. Leave one of them out.")
            keywords |= whole
        keywords = _with_one_time_limit(keywords)
        parts = []
        for role, model in (("sampler", kind.sampler_options), ("estimator", kind.estimator_options)):
            own = [item for item in wholes if not isinstance(item, Mapping) and _is_for(item, role)]
            parts.append(_Part(role, model(), keywords, [_with_one_time_limit(set_values(item)) for item in own]))
        _refuse_unknown(parts, kind)
        for part in parts:
            part.kept = _converted(part.usual, part.kept, "")
        sampler, estimator = parts
        options = cls(sampler.kept, estimator.kept, tuple(sampler.unknown), tuple(estimator.unknown))
        refuse_conflicts(options.sampler, options.estimator, kind)
        return options


class _Part:
    """What one primitive gets.

    Args:
        role: ``"sampler"`` or ``"estimator"``.
        usual: Its options as they are without any being set.
        keywords: What was given for both.
        own: What was given for this one.
    """

    def __init__(self, role: str, usual: Any, keywords: Mapping[str, Any], own: Sequence[Mapping[str, Any]]):
        self.role, self.usual = role, usual
        self.unknown: list[str] = []
        """Options for both of which this one has no such."""
        self.foreign: list[str] = []
        """Options in an object for this one of which it has no such."""
        self.kept = _known(usual, keywords, "", self.unknown)
        """What was set of those that it has, as nested dictionaries."""
        for one in own:
            for name, value in _known(usual, one, "", self.foreign).items():
                if name in self.kept and self.kept[name] != value:
                    raise TypeError(f"The option {name} of the {role} came twice: {self.kept[name]!r} and {value!r}.")
                self.kept[name] = value
        for name, word in _SAID_ELSEWHERE.items():
            if name in self.kept:
                raise TypeError(f"The option {name} is what connect calls {word}. Pass shots=… instead.")


def _wholes(given: Any) -> Iterator[Any]:
    """Yield the dictionaries and objects in ``options``."""
    several = given if isinstance(given, (list, tuple)) else [] if given is None else [given]
    for one in several:
        known = [name for kind in generations().values() for name in (kind.sampler_options, kind.estimator_options)]
        if not isinstance(one, (Mapping, *known)):
            raise TypeError(
                "options must be a dictionary, SamplerOptions or EstimatorOptions of the Runtime client, or a list of "
                f"these, but {one!r} ({type(one).__name__}) came."
            )
        yield one


def _is_for(whole: Any, role: str) -> bool:
    return isinstance(whole, tuple(getattr(kind, f"{role}_options") for kind in generations().values()))


def _known(usual: Any, given: Mapping[Any, Any], prefix: str, unknown: list[str]) -> dict[str, Any]:
    """Return the options of a group that are known and set, as nested dictionaries, and note the others."""
    kept: dict[str, Any] = {}
    for name, value in given.items():
        if not isinstance(name, str) or name not in field_names(usual):
            unknown.append(f"{prefix}{name}")
            continue
        default = getattr(usual, name)
        if is_unset(value) or (value is None and _says_nothing(usual, name)):
            continue
        if is_group(default):
            if not isinstance(value, Mapping) and not is_group(value):
                raise TypeError(
                    f"The option {prefix}{name} must be a dictionary with some of {', '.join(field_names(default))}, "
                    f"but {value!r} ({type(value).__name__}) came."
                )
            inner = _known(default, set_values(value), f"{prefix}{name}.", unknown)
            if inner:
                kept[name] = inner
        else:
            kept[name] = value
    return kept


def _says_nothing(usual: Any, name: str) -> bool:
    """Tell whether ``None`` in an option's place says that it was not set; it is a value of some options."""
    default = getattr(usual, name)
    if default is None or is_group(default):
        return True
    try:
        type(usual)(**{name: None})
    except ValueError:
        return True
    return False


def _converted(usual: Any, given: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the values as the client takes them: it makes ``False`` of ``"off"`` and 50 of ``"50"``.

    It looks at them group by group, so that its errors are of one option each.

    Raises:
        ValueError: If it does not take one.
    """
    groups = {name: getattr(usual, name) for name in given if is_group(getattr(usual, name))}
    inner = {name: _converted(group, given[name], f"{prefix}{name}.") for name, group in groups.items()}
    try:
        taken = type(usual)(**given)
    except ValueError as error:  # Pydantic's
        problems: list[dict[str, Any]] = getattr(error, "errors", list)()
        said = [
            f"{prefix}{'.'.join(str(part) for part in item['loc'] if isinstance(part, str))}: {item['msg']}, but "
            f"{item['input']!r} came"
            for item in problems
        ]
        words = "; ".join(dict.fromkeys(said)) or str(error)
        raise ValueError(f"An option of the Runtime client is not what it must be: {words}.") from error
    return {name: inner[name] if name in inner else getattr(taken, name) for name in given}


def _with_one_time_limit(given: Mapping[str, Any]) -> dict[str, Any]:
    """Put the longest time of a job where both generations have it; in between the client had it in ``environment``."""
    inner = given.get("environment")
    if not isinstance(inner, Mapping) and not is_group(inner):
        places, rest = {"max_execution_time": given.get("max_execution_time")}, dict(given)
    else:
        environment = set_values(inner)
        places = {
            "max_execution_time": given.get("max_execution_time"),
            "environment.max_execution_time": environment.pop("max_execution_time", None),
        }
        rest = {**given, "environment": environment}
    said = {name: value for name, value in places.items() if value is not None and not is_unset(value)}
    for name, value in said.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of seconds, at least 1, but {value!r} came.")
    if len(set(said.values())) > 1:
        words = " and ".join(f"{name}={value}" for name, value in said.items())
        raise ValueError(f"The longest time of a job came twice: {words}. Leave one of them out.")
    rest.pop("max_execution_time", None)
    return {**rest, "max_execution_time": next(iter(said.values()))} if said else rest


def _refuse_unknown(parts: Sequence[_Part], kind: Generation) -> None:
    """Raise for options that none of the primitives has, or an object's own one has not."""
    for name in [*parts[0].unknown, *parts[1].unknown]:
        # "resilience" is not known to samplers, and nothing below it either
        if all(any(name == other or name.startswith(f"{other}.") for other in part.unknown) for part in parts):
            raise TypeError(_unknown(name, kind))
    for part in parts:
        for name in part.foreign:
            raise TypeError(_unknown(name, kind))


def _unknown(name: str, kind: Generation) -> str:
    others = [other for other in generations().values() if other.name != kind.name and name in _names(other)]
    if others:
        return (
            f"The option {name} is one of the {others[0].name} generation of primitives only, and this target runs the "
            f"{kind.name} one. Leave it out, or connect with generation={others[0].name!r}."
        )
    near = _nearest(name, kind)
    means = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"The primitives of the Runtime client do not know the option {name}.{means}"


def _nearest(name: str, kind: Generation) -> list[str]:
    """Return what may have been meant: other options, first those whose last part is alike, and our own arguments."""
    ours = {word: f"{word}, an argument of connect" for word in ARGUMENTS_OF_CONNECT if "." not in name}
    theirs = {option: option for option in _names(kind) if option not in _SAID_ELSEWHERE}
    whole = difflib.get_close_matches(name, [*ours, *theirs], n=2, cutoff=0.7)
    last = name.rpartition(".")[2]
    parts = {option.rpartition(".")[2]: option for option in reversed(list(theirs))}
    ends = difflib.get_close_matches(last, parts, n=2, cutoff=0.75)
    found = [*(({**theirs, **ours})[one] for one in whole), *(parts[one] for one in ends)]
    return list(dict.fromkeys(found))[:2]


def _names(kind: Generation) -> list[str]:
    names = [*dotted_names(kind.sampler_options()), *dotted_names(kind.estimator_options())]
    return list(dict.fromkeys(names))
