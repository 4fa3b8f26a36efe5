"""What a fit that fails leaves behind: the estimator as it was."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

_Fit = TypeVar("_Fit", bound=Callable[..., Any])


def undone_if_it_fails(fit: _Fit) -> _Fit:
    """Wrap a method that fits: if it raises or is interrupted, what the estimator had learned before is back.

    Settings stay as they are. The method must put new objects in the place of what was learned, and change none.
    """

    @wraps(fit)
    def undoing(self: Any, *args: Any, **named: Any) -> Any:
        before = dict(vars(self))
        try:
            return fit(self, *args, **named)
        except BaseException:
            settings = {name: getattr(self, name) for name in self.get_params(deep=False)}
            vars(self).clear()
            vars(self).update({**before, **settings})
            raise

    return undoing  # type: ignore[return-value]
