"""A journal as plain JSON, for people and programs that know nothing of it."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from qiskit.primitives import BitArray

from qiskit_qml_ext.primitives import Journal
from qiskit_qml_ext.primitives.journal.work.codec import decode


def exported(journal: Journal) -> dict[str, Any]:
    """Return all units with their counts (most frequent first) or values."""
    return {
        "units": [
            {
                **asdict(unit),
                "content": unit.content.hex(),
                "results": _results(journal, unit.id, unit.layout),
            }
            for unit in journal.units()
        ],
        "duplicates": [asdict(item) for item in journal.duplicates()],
    }


def _results(journal: Journal, unit: int, layout: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    stored = journal.results(unit)
    if stored is None:
        return None
    if not layout:  # of a unit whose record was damaged
        return [{name: array.tolist() for name, array in pub.items()} for pub in decode(*stored).pubs]
    results = []
    for pub, expected in zip(decode(*stored).pubs, layout, strict=True):
        registers = expected.get("registers", {})
        results.append(
            {
                name: [dict(Counter(BitArray(row, registers[name]).get_counts()).most_common()) for row in array]
                if name in registers
                else array.tolist()
                for name, array in pub.items()
            }
        )
    return results
