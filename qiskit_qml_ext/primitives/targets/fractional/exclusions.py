"""Options of the Runtime primitives that exclude fractional gates.

Twirling of gates puts Pauli gates around two-qubit gates that undo each other through a Clifford gate, which R_ZZ(θ)
is not; PEC and PEA learn the noise of twirled layers; gate folding of ZNE repeats Clifford gates and leaves R_ZZ as it
is, so that it extrapolates from points that are all the same. Twirled measurements and dynamical decoupling are fine.
"""

from collections.abc import Mapping
from typing import Any


def exclusion_of(options: Any) -> str | None:
    """Say what to switch off so that fractional gates can be used, ``None`` if nothing stands in their way.

    Args:
        options: Options of a Runtime primitive: a mapping, or an object of either generation of the client.
    """
    resilience, level = _held(options, "resilience"), _held(options, "resilience_level")
    switches = {
        "twirling.enable_gates": _held(_held(options, "twirling"), "enable_gates"),
        "resilience.pec_mitigation": _held(resilience, "pec_mitigation"),
        "resilience.zne_mitigation": _held(resilience, "zne_mitigation"),
    }
    told = [f"{name}=True: set it to False" for name, value in switches.items() if value is True]
    of_level = (switches["twirling.enable_gates"], switches["resilience.zne_mitigation"])
    if isinstance(level, int) and level >= 2 and of_level != (False, False):
        told.append(f"resilience_level={level}, which twirls gates and extrapolates to zero noise: set it to 0 or 1")
    return "; ".join(told) or None


def _held(options: Any, name: str) -> Any:
    return options.get(name) if isinstance(options, Mapping) else getattr(options, name, None)
