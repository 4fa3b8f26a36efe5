"""Which of the ways in which a data set was measured is meant."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit_qml_ext.checks import wrong_value
from qiskit_qml_ext.exceptions import DatasetError
from qiskit_qml_ext.primitives.journal.dataset.layout import without_limits
from qiskit_qml_ext.primitives.journal.dataset.reading import DataSet

_LONGEST = 200


Group = tuple[Mapping[str, Any], ...]
"""Series that differ in nothing but in how work was cut into jobs: those of one program that ran with two limits."""


def chosen(data: DataSet, *, target: str | None = None, series: int | Sequence[int] | None = None) -> dict[str, Group]:
    """Return the series that are meant, by their kind: those of a sampler, of an estimator, or both.

    Args:
        data: The data set.
        target: The name of the target, where it has several.
        series: The number of one of its series, or of two.

    Raises:
        DatasetError: If there is nothing to replay in it.
        ValueError: If there are several and it is not said which; the message names them.
    """
    known = [one for one in data.document["series"] if _can_be_asked(data, one)]
    if not known:
        raise DatasetError(
            f"There is nothing to replay in the data set {data.folder}: it has no job with results of which it is on "
            "record what was asked for."
        )
    if target is not None:
        names = list(dict.fromkeys(str(one["target"]) for one in known))
        known = [one for one in known if one["target"] == target]
        if not known:
            raise ValueError(f"The data set {data.folder} was measured on {', '.join(names)}, not on {target!r:.60}.")
    groups = _grouped(known)
    if series is None:
        return _only(data, groups)
    wanted = [series] if isinstance(series, int) else list(series)
    found = {one["id"]: place for place, group in enumerate(groups) for one in group}
    if not wanted or any(number not in found for number in wanted):
        raise wrong_value("series", f"a number that it has ({', '.join(map(str, found))})", series)
    named = [groups[place] for place in dict.fromkeys(found[number] for number in wanted)]
    by_kind = _by_kind(named)
    if len(by_kind) < len(named) or len({_way(one) for one in named}) > 1:
        raise wrong_value("series", "one series of a sampler, and one of an estimator that was run in its way", series)
    others = [one for one in groups if _way(one) == _way(named[0]) and one[0]["kind"] not in by_kind]
    return {**(_by_kind(others) if len(others) == 1 else {}), **by_kind}


def _only(data: DataSet, groups: Sequence[Group]) -> dict[str, Group]:
    by_kind = _by_kind(groups)
    if len(by_kind) < len(groups) or len({_way(one) for one in groups}) > 1:
        raise ValueError(
            f"The data set {data.folder} was measured in several ways. Say which, connect(replay=…, series=NUMBER): "
            f"{'; '.join(_described(one[0]) for one in groups)}."
        )
    return by_kind


def _grouped(known: Sequence[Mapping[str, Any]]) -> list[Group]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for one in known:
        groups.setdefault(json.dumps([one["kind"], one["options"], _way((one,))], sort_keys=True), []).append(one)
    return [tuple(group) for group in groups.values()]


def _by_kind(groups: Sequence[Group]) -> dict[str, Group]:
    return {str(group[0]["kind"]): group for group in groups}


def _way(group: Group) -> str:
    """Return how something was run, but for the primitive, its options, and the sizes of jobs."""
    return json.dumps([group[0]["target"], without_limits(group[0]["run"])], sort_keys=True)


def _can_be_asked(data: DataSet, series: Mapping[str, Any]) -> bool:
    return any(
        job["series"] == series["id"] and any("results" in pub and pub.get("circuit") for pub in job["pubs"])
        for job in data.document["jobs"]
    )


def _described(series: Mapping[str, Any]) -> str:
    settings = {name: one for name, one in series["run"].items() if name != "target"}
    text = json.dumps({**series["options"], **settings}, sort_keys=True)
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f"{series['id']}, a {series['kind']} on {series['target']} with {shown}"
