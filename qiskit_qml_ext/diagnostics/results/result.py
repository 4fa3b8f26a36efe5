"""A number with its uncertainty, and what all results of the diagnostics can do."""

import dataclasses
import html
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_ROUNDING = 1e-12  # relative to the value: an error below is none
_MOST_DECIMALS = 5


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error and confidence interval (95 % unless ``method`` says else)."""

    value: float
    """The estimate."""
    standard_error: float
    """Its standard error; 0 for an exact number, NaN where it is not known."""
    low: float
    """The lower end of the interval."""
    high: float
    """The upper end of the interval."""
    method: str = ""
    """How the number and its interval were found."""
    caution: str = ""
    """What speaks against the interval; empty if nothing does."""

    @classmethod
    def exact(cls, value: float, method: str = "exact") -> "Estimate":
        """Return a number without uncertainty."""
        return cls(value, 0.0, value, value, method)

    def contains(self, value: float) -> bool:
        """Whether the interval contains a value."""
        return self.low <= value <= self.high

    def interval(self) -> str:
        """Return the interval as text, such as ``[0.1, 0.3]``."""
        return f"[{self.low:.3g}, {self.high:.3g}]"

    def __str__(self) -> str:
        if not math.isfinite(self.standard_error) or self.standard_error <= 0:
            return f"{self.value:.3g}"
        # Two digits of the error, and as many decimals of the value.
        if self.standard_error < _ROUNDING * abs(self.value):
            return f"{self.value:.3g}"  # an error that is rounding
        decimals = max(0, 1 - math.floor(math.log10(self.standard_error)))
        if decimals > _MOST_DECIMALS:
            return f"{self.value:.3g} ± {self.standard_error:.2g}"
        value = f"{self.value:.{decimals}f}"
        if not value.strip("-0."):
            value = value.removeprefix("-")
        return f"{value} ± {self.standard_error:.{decimals}f}"


UNKNOWN = Estimate(math.nan, math.nan, math.nan, math.nan)
"""An estimate of nothing, for a :attr:`Result.typical` record."""
_SINGLE = (bool, int, float, str, np.generic, Estimate)


class Result(ABC):
    """What all results have in common: a headline, a table, text, HTML, plain data and a data frame.

    A subclass is a frozen dataclass. Fields that are only needed for plots are declared with ``repr=False``; they stay
    out of :meth:`to_dict`. One that may have no :meth:`records` gives a :attr:`typical` one.
    """

    typical: ClassVar[Mapping[str, Any]] = {}
    """A record like the others: a table without rows has its columns."""

    @abstractmethod
    def headline(self) -> str:
        """Return the finding in one sentence."""

    @abstractmethod
    def rows(self) -> list[tuple[str, str, str]]:
        """Return what a table shows: name, value with its uncertainty, meaning."""

    def drawings(self) -> "tuple[Callable[[Axes], object], ...]":
        """Return the functions that draw the result on axes, the most telling one first."""
        return (self.plot,)  # type: ignore[attr-defined]

    def summary(self) -> str:
        """Describe the result in a few lines of text."""
        rows = self.rows()
        names = max((len(name) for name, _, _ in rows), default=0)
        values = max((len(value) for _, value, _ in rows), default=0)
        lines = [f"  {name:<{names}}  {value:<{values}}  {meaning}".rstrip() for name, value, meaning in rows]
        return "\n".join([self.headline(), *lines])

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain numbers, texts, lists and dictionaries; numbers that are not finite are None."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return {field.name: plain(getattr(self, field.name)) for field in fields if field.repr}

    def records(self) -> list[dict[str, Any]]:
        """Return a record for each thing that the result is about, such as a width or a kernel; by default itself."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        values = {field.name: getattr(self, field.name) for field in fields if field.repr}
        return [{name: value for name, value in values.items() if value is None or isinstance(value, _SINGLE)}]

    def to_frame(self) -> "pd.DataFrame":
        """Return the :meth:`records` as a table with a row for each.

        An estimate takes four columns: its value under its own name, and its standard error and the ends of its
        interval under names with ``_error``, ``_low`` and ``_high``. A table without rows has its columns; a number
        that is known nowhere is NaN.
        """
        import pandas as pd

        records = self.records()
        frame = pd.DataFrame([_in_columns(record) for record in records or [dict(self.typical)]])
        unknown = [name for name in frame.columns if frame[name].isna().all()]
        return frame.astype(dict.fromkeys(unknown, float)).iloc[: len(records)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.headline()})"

    def _repr_html_(self) -> str:
        return f"<p><strong>{html.escape(self.headline())}</strong></p>{html_table(self.rows())}"


def _in_columns(record: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Estimate):
            columns[name], columns[f"{name}_error"] = value.value, value.standard_error
            columns[f"{name}_low"], columns[f"{name}_high"] = value.low, value.high
        else:
            columns[name] = value
    return columns


def rounded(number: float) -> str:
    """Return a large number with two significant digits, as people write it: ``25,000`` or ``3.1e+12``."""
    if not math.isfinite(number) or abs(number) >= 1e9:
        return f"{number:.2g}"
    return f"{float(f'{number:.2g}'):,.0f}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 layer``, ``2 layers``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def mean_in_words(value: float) -> str:
    """Return an exact mean of a loss; what is below any rounding is 0."""
    return f"{value:.6g}" if abs(value) > _ROUNDING**2 else "0"


def html_table(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return rows of text as an HTML table, escaped."""
    cells = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def plain(value: Any) -> Any:
    """Turn a field of a result into data that JSON knows."""
    if isinstance(value, Result):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value) if field.repr}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, complex):
        return [value.real, value.imag]
    return value
