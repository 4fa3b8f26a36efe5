"""How numbers are written, the same in the terminal, in the verdict and on the report page."""

import math

MINUS = "−"
_SMALLEST_P = 0.001


def score(value: float) -> str:
    """Write a score: three decimals for accuracies and the like, four digits for large errors."""
    if math.isnan(value):
        return "–"
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:.3e}"
    if text.strip("-0.") == "":
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value: float) -> str:
    """Write a difference with its sign."""
    text = score(value)
    return f"+{text}" if value > 0 and text != score(0.0) else text


def interval(low: float, high: float) -> str:
    """Write a confidence interval of a difference."""
    return "–" if math.isnan(low) or math.isnan(high) else f"{signed(low)} to {signed(high)}"


def p_value(value: float) -> str:
    """Write a p value as a table shows it."""
    if math.isnan(value):
        return "–"
    return f"<{_SMALLEST_P}" if value < _SMALLEST_P else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def p_equals(value: float) -> str:
    """Write a p value as a sentence shows it: ``p = 0.12`` or ``p < 0.001``."""
    return f"p < {_SMALLEST_P}" if value < _SMALLEST_P else f"p = {p_value(value)}"


def duration(seconds: float) -> str:
    """Write a time with about two digits: 45 ms, 1.2 s, 3 min 20 s, 5.2 h, 3.1 days, 40 years."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    if seconds < 3599.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    for name, length in (("years", 365.25 * 86400), ("days", 86400.0), ("h", 3600.0)):
        if seconds >= (2 if name != "h" else 1) * length:
            amount = seconds / length
            return f"{amount:,.0f} {name}" if amount >= 10 else f"{amount:.1f} {name}"
    return f"{seconds:.0f} s"


def count(value: float) -> str:
    """Write a count with thousands separators, or in words from a million on."""
    if math.isinf(value):
        return "∞"
    for name, size in (("trillion", 1e12), ("billion", 1e9), ("million", 1e6)):
        if value >= size:
            return f"{value / size:,.3g} {name}" if value < 1000 * size else f"{value / size:,.0f} {name}"
    return f"{value:,.0f}"


def plural(number: int, noun: str, several: str = "") -> str:
    """Write a number with its noun, or with what several are called: ``1 fold``, ``5 folds``, ``2 passes``."""
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"
