"""Dry runs: the service checks a job and runs it on nothing. Clients of 0.50 and later ask for them."""

import inspect
from collections.abc import Sequence
from typing import Any

from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.primitives.targets.target import Answer

_NO_MOCK = "QiskitBackendNotFoundError"


def dry_run(sampler: Any, pubs: Sequence[SamplerPub]) -> Answer:
    """Return what the service says of a sampler's job, ``None`` as its verdict where it cannot be asked.

    Args:
        sampler: A sampler of the Runtime client for a device.
        pubs: Circuits in the device's own gates, with their values.
    """
    if "dry_run" not in inspect.signature(sampler.run).parameters:
        return Answer(None, "The installed Runtime client has no dry runs; they came with 0.50.")
    try:
        sampler.run(list(pubs), dry_run=True).result()
    except Exception as error:
        words = " ".join(str(error).split())
        if type(error).__name__ == _NO_MOCK:
            return Answer(None, f"The service offers no dry runs to this account: {words}")
        return Answer(False, words)
    return Answer(True, "")
