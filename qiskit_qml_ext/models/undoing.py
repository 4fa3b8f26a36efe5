"""What a fit that fails leaves behind: the estimator as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.base import BaseEstimator


@contextmanager
def undone_if_it_fails(estimator: BaseEstimator) -> Iterator[None]:
    """Put back what an estimator had learned before, if a fit in this context raises or is interrupted.

    Settings stay as they are. The fit must put new objects in the place of what was learned, and change none.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        settings = {name: getattr(estimator, name) for name in estimator.get_params(deep=False)}
        vars(estimator).clear()
        vars(estimator).update({**before, **settings})
        raise
