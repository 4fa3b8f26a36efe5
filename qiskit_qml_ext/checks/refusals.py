"""The one shape of a refused argument: what must be, what came, what to do."""


def wrong_kind(name: str, expected: str, value: object, advice: str = "") -> TypeError:
    """Return the error for a value of a kind that the argument cannot be.

    Args:
        name: The argument.
        expected: What it must be.
        value: What came.
        advice: What to do, a sentence, where what must be does not say it.
    """
    return TypeError(f"{name} must be {expected}, but {value!r} ({type(value).__name__}) came. {advice}".rstrip())


def wrong_value(name: str, expected: str, value: object, advice: str = "") -> ValueError:
    """Return the error for a value of the right kind that the argument cannot have; see :func:`wrong_kind`."""
    return ValueError(f"{name} must be {expected}, but {value!r} came. {advice}".rstrip())
