"""``connect(replay=FOLDER)``: a connection to what was measured before."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from qiskit_qml_ext.checks import wrong_kind
from qiskit_qml_ext.primitives.connection.connection import Connection
from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.journal import read_dataset
from qiskit_qml_ext.primitives.replay import Measured, ReplayTarget, chosen
from qiskit_qml_ext.primitives.targets.target import refuse_options


def replayed(
    folder: str | os.PathLike[str],
    target: object,
    *,
    shots: int | None,
    seed: int | None,
    given: Sequence[str],
    options: Mapping[str, Any],
) -> Connection:
    """Return a connection that gives what was measured; see :func:`~qiskit_qml_ext.primitives.connect`.

    Args:
        folder: The data set.
        target: The name of the target, where it has several; ``None`` otherwise.
        shots: Shots of every circuit; by default those with which it was measured.
        seed: The seed; by default the one with which it was measured.
        given: Arguments of ``connect`` that came and mean nothing here.
        options: ``series``, which of the ways in which it was measured.

    Raises:
        DatasetError: If the folder is not what was written.
        TypeError: If an argument came that means nothing here.
        ValueError: If it does not say which of several ways is meant.
    """
    if not isinstance(folder, (str, os.PathLike)):
        raise wrong_kind("replay", "the folder that Journal.export wrote", folder)
    if target is not None and not isinstance(target, str):
        raise wrong_kind("target", "the name of the target that was measured, or None", target)
    refuse_options("of a replay", options.keys() - {"series"})
    if given:
        raise ValueError(
            f"{', '.join(given)} mean{'s' * (len(given) == 1)} nothing for a replay, where nothing runs: it was "
            "measured with settings of its own. Leave out what the folder knows."
        )
    data = read_dataset(folder)
    measured = Measured(data, chosen(data, target=target, series=options.get("series")))
    replay = ReplayTarget(measured)
    known = {field.name for field in fields(ConnectionSettings)}
    said = {name: value for name, value in measured.run.get("connection", {}).items() if name in known}
    said["shots"] = shots or said.get("shots") or replay.default_shots
    said["seed"] = said.get("seed") if seed is None else seed
    return Connection(replay, ConnectionSettings(**said), journal=measured)
