"""Pictures of the diagnostics, in Okabe and Ito's colours, which colour-blind readers can tell apart."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, RED, GREEN, GREY, ORANGE = "#0072B2", "#D55E00", "#009E73", "#8C8C8C", "#E69F00"


def new_axes(ax: "Axes | None", size: tuple[float, float] = (6.0, 3.6)) -> "Axes":
    """Return the given axes, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]
