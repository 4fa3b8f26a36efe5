"""The control: the same feature map without entanglement."""

from typing import NamedTuple

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.circuits.disentangle import has_entangling_gates


class Control(NamedTuple):
    """What the circuits of a feature map say about entanglement."""

    entangles: bool
    """Whether the feature map has entangling gates; without them it is its own control."""
    feature_map: FeatureMap | None
    """Its version without entanglement; None if there is none."""
    notes: tuple[str, ...]
    """What to say about it."""


def control_of(map_: FeatureMap, num_encoded: int) -> Control:
    """Look for entangling gates in a feature map, and build its version without.

    What counts are the gates of the circuits: a map whose control cannot be built is not without entanglement.
    """
    if not has_entangling_gates(map_.build(num_encoded)):
        return Control(False, None, ("The feature map has no entangling gates, so it is its own control.",))
    try:
        control = map_.without_entanglement()
        still_entangles = has_entangling_gates(control.build(num_encoded))
    except Exception as error:
        return _no_control(" ".join(str(error).split()) or type(error).__name__)
    if still_entangles:
        return _no_control(f"The version of {type(map_).__name__} without entanglement has entangling gates")
    return Control(True, control, ())


def _no_control(reason: str) -> Control:
    unknown = "What part entanglement has in a result is therefore unknown."
    return Control(True, None, (f"There is no control. {reason.rstrip('.')}. {unknown}",))
