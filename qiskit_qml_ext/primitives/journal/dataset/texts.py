"""What people and archives read of a data set: its README, its citation, the schema of its document."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit_qml_ext.primitives.journal.dataset.layout import FORMAT, SCHEMA_VERSION

_MOST_MISSING = 50


def readme(document: Mapping[str, Any], missing: Sequence[str]) -> str:
    """Return the README.

    Args:
        document: The data set's document.
        missing: What of the journal is not in it.
    """
    done = sum(job["state"] == "done" for job in document["jobs"])
    targets = sorted({series["target"] for series in document["series"]})
    lines = [
        f"# {document['title']}",
        "",
        f"Measured on {', '.join(targets) or 'nothing yet'}: {done} of {len(document['jobs'])} jobs are done, the last "
        f"on {document['measured_until'] or 'no date yet'}. Written by the Python package qiskit-qml-ext; the schema "
        f"of this folder is {SCHEMA_VERSION}.",
        "",
        _FILES,
        *([_license(document["license"])] if document["license"] else []),
    ]
    if missing:
        lines += ["## What is not in it", "", *(f"- {sentence}" for sentence in missing[:_MOST_MISSING])]
        lines += [f"- And {len(missing) - _MOST_MISSING:,} more."] if len(missing) > _MOST_MISSING else []
        lines += [""]
    return "\n".join(lines)


def citation(document: Mapping[str, Any]) -> str:
    """Return the citation in the Citation File Format 1.2.0, whose texts are written as JSON, which is YAML."""
    creators = document["creators"] or ["The owner of the data set"]
    lines = [
        "cff-version: 1.2.0",
        "message: Please cite this data set as follows.",
        "type: dataset",
        f"title: {json.dumps(document['title'])}",
        "authors:",
        *(f"  - name: {json.dumps(creator)}" for creator in creators),
    ]
    if document["license"]:
        lines.append(f"license: {json.dumps(document['license'])}")
    if document["measured_until"]:
        lines.append(f"date-released: {document['measured_until'][:10]}")
    return "\n".join(lines) + "\n"


def _license(name: str) -> str:
    return f"## License\n\n{name}\n"


_FILES = """## What is in it

| file | what |
|---|---|
| `dataset.json` | what was asked for and how it ran; described by `schema.json` |
| `jobs/N.npz` | the arrays of job N: values of parameters, and what was measured |
| `circuits/cN.qpy`, `.qasm` | circuit N for Qiskit, and in OpenQASM 3 where it has such a form |
| `devices/N.json` | what the device reported of itself when jobs were submitted |
| `SHA256SUMS` | a checksum for every file: `sha256sum -c SHA256SUMS` |
| `CITATION.cff` | how to cite it |

In `dataset.json` a *series* is what ran in the same way: one target, one kind of primitive, one set of
options, one seed. A *job* has *pubs*,
each a circuit as it was built (`circuit`) and as it ran (`run`), with the rows of values of its parameters (`values`,
in radians; `columns` says which parameters of the circuit they are, the others change nothing that is measured).

- Of a sampler, the array of a classical register has the shape (rows, shots, bytes): the bits of each shot, the last
  byte with the lowest bits, as in Qiskit's `BitArray`. Bit i of a register is its bit i, counted from the right.
- Of an estimator, `evs` are expectation values and `stds` their standard errors, in the shape of the block;
  `observables` are sums of Pauli strings, qubit 0 on the right, that are broadcast against the rows of values.

Errors are fractions, durations, T1 and T2 seconds, frequencies hertz, dates UTC.

## How to use it

```python
import json, numpy as np
document = json.load(open("dataset.json"))
job = next(job for job in document["jobs"] if job["state"] == "done" and job["pubs"])
arrays = np.load(job["file"])
print({name: arrays[array].shape for name, array in job["pubs"][0]["results"].items()})
```

With the package, the program that measured it gives the same numbers again, offline and without an account:

```python
from qiskit_qml_ext.primitives import connect
connection = connect(replay="this folder")
```

What the folder does not hold is an error there, and never simulated.
"""

_TEXT: dict[str, Any] = {"type": "string"}
_TEXT_OR_NOTHING: dict[str, Any] = {"type": ["string", "null"]}
_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}
_WHOLES: dict[str, Any] = {"type": "array", "items": _WHOLE}
_BY_NAME: dict[str, Any] = {"type": "object", "additionalProperties": _TEXT}

_KIND: dict[str, Any] = {"enum": ["sampler", "estimator"]}

_PUB: dict[str, Any] = {
    "type": "object",
    "required": ["circuit"],
    "properties": {
        "circuit": {**_TEXT_OR_NOTHING, "description": "the circuit as it was built: an id of circuits"},
        "run": {**_TEXT_OR_NOTHING, "description": "the circuit as it ran: an id of circuits"},
        "values": {**_TEXT, "description": "the array of parameter values, radians, shape (..., columns)"},
        "columns": {
            "type": ["array", "null"],
            "items": _WHOLE,
            "description": "which parameters of the circuit as it was built the columns of values are",
        },
        "copies": {**_WHOLE, "description": "copies of the circuit side by side in the one that ran"},
        "names": {"type": "array", "items": _TEXT, "description": "parameters of all copies, in order"},
        "repetitions": {**_WHOLES, "description": "how often the same was asked for before, 0 where it is missing"},
        "shots": {**_WHOLE, "description": "shots asked for of each row, of a sampler; twirling may run more"},
        "registers": {"type": "object", "additionalProperties": _WHOLE, "description": "bits of each register"},
        "precision": {"type": "number", "description": "the standard error asked for, of an estimator"},
        "shape": {**_WHOLES, "description": "the shape of evs and stds"},
        "observables": {
            "type": "object",
            "required": ["shape", "terms"],
            "properties": {
                "shape": _WHOLES,
                "terms": {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "number"}}},
            },
            "description": "sums of Pauli strings, qubit 0 on the right, with their weights",
        },
        "results": {**_BY_NAME, "description": "what was measured: names of arrays"},
        "metadata": {"type": "object", "description": "what the primitive said of the result"},
    },
}

JSON_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": FORMAT,
    "version": SCHEMA_VERSION,
    "type": "object",
    "required": ["format", "schema_version", "keys_formula", "title", "series", "circuits", "jobs"],
    "properties": {
        "format": {"const": FORMAT},
        "schema_version": {"type": "string", "pattern": r"^1\.\d+$"},
        "keys_formula": {**_WHOLE, "description": "how content keys of circuits were made"},
        "title": _TEXT,
        "creators": {"type": "array", "items": _TEXT},
        "license": {**_TEXT_OR_NOTHING, "description": "SPDX identifier"},
        "measured_until": {**_TEXT_OR_NOTHING, "description": "UTC"},
        "series": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "kind", "target", "options", "run"],
                "properties": {
                    "id": _WHOLE,
                    "kind": _KIND,
                    "target": {**_TEXT, "description": "the device or simulator"},
                    "options": {"type": "object", "description": "options of the primitive that are no defaults"},
                    "run": {"type": "object", "description": "the seed, the connection's settings, its target"},
                },
            },
        },
        "software": {"type": "array", "items": _BY_NAME, "description": "versions of packages"},
        "circuits": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "key", "parameters", "num_qubits", "registers", "qiskit", "qpy", "qasm"],
                "properties": {
                    "id": _TEXT,
                    "key": {**_TEXT, "description": "its content key"},
                    "parameters": {"type": "array", "items": _TEXT, "description": "in order"},
                    "num_qubits": _WHOLE,
                    "registers": {"type": "object", "additionalProperties": _WHOLE},
                    "qiskit": {**_TEXT, "description": "the version that wrote the QPY file"},
                    "qpy": _TEXT_OR_NOTHING,
                    "qasm": _TEXT_OR_NOTHING,
                },
            },
        },
        "devices": {"type": "array", "items": _TEXT},
        "jobs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "kind", "state", "series", "pubs", "file"],
                "properties": {
                    "id": _WHOLE,
                    "kind": _KIND,
                    "state": {"enum": ["planned", "submitting", "submitted", "done", "failed", "lost"]},
                    "executions": {**_WHOLE, "description": "circuits times the shots that they got"},
                    "submitted": _TEXT_OR_NOTHING,
                    "finished": _TEXT_OR_NOTHING,
                    "calibration": {**_TEXT_OR_NOTHING, "description": "when the device was calibrated"},
                    "qpu_seconds": {"type": ["number", "null"], "description": "what the service says it took"},
                    "job": {**_TEXT_OR_NOTHING, "description": "the service's name of it, where that was asked for"},
                    "series": _WHOLE,
                    "software": {"type": ["integer", "null"], "description": "an index of software"},
                    "device": {**_TEXT_OR_NOTHING, "description": "a file of devices"},
                    "pubs": {"type": "array", "items": _PUB},
                    "file": _TEXT_OR_NOTHING,
                },
            },
        },
    },
}
"""What the document holds."""
