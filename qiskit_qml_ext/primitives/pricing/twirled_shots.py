"""How many shots twirled circuits get: the client runs as many for each of several randomisations of a circuit."""

import math
from collections.abc import Mapping
from typing import Any

_SHOTS, _RANDOMIZATIONS = 64, 32  # by the client's documentation of TwirlingOptions, where neither number is given


def twirled_shots(options: Mapping[str, Any], shots: int) -> int:
    """Return how many shots a sampler runs where so many are asked for: these or more, unless both numbers were set.

    The newer primitives of the client reckon so, and by their documentation the service does for the older ones.

    Args:
        options: What was set for samplers, as nested dictionaries.
        shots: The shots that are asked for.
    """
    twirling = options.get("twirling", {})
    if not (twirling.get("enable_gates") or twirling.get("enable_measure")):
        return shots
    return math.prod(randomizations(twirling, shots))


def randomizations(twirling: Mapping[str, Any], shots: int, *, fewest: int | None = None) -> tuple[int, int]:
    """Return how many randomisations of a circuit run, and how many shots each gets.

    Args:
        twirling: The settings of twirling.
        shots: The shots that are asked for.
        fewest: The shots of each randomisation where neither number is set; by default 64, more from 2,048 shots on.
    """
    number, each = (twirling.get(name, "auto") for name in ("num_randomizations", "shots_per_randomization"))
    if each == "auto":
        usual = max(_SHOTS, math.ceil(shots / _RANDOMIZATIONS)) if fewest is None else fewest
        each = usual if number == "auto" else math.ceil(shots / number)
    if number == "auto":
        number = math.ceil(shots / each)
    return int(number), int(each)
