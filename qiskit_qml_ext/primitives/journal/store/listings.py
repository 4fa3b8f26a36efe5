"""When this process last asked a service for all jobs of a journal, so that many small runs do not ask for each."""

import time
from collections.abc import Collection

_RECENT_SECONDS = 60.0
_SHARE = 20.0  # a listing after each of many small runs takes no more than a twentieth of the time


class Listings:
    """Remembers when the jobs of one journal were listed, for each place where they lie."""

    def __init__(self) -> None:
        self._tried: dict[str, float] = {}
        self._clean: dict[str, float] = {}
        self._known: dict[tuple[str, ...], frozenset[str]] = {}
        self._took = 0.0

    def note(self, places: tuple[str, ...], *, clean: bool, began: float, known: Collection[str] = ()) -> None:
        """Note that all jobs were listed and accounted for, or were to be.

        Args:
            places: Where.
            clean: Whether it succeeded and every job was accounted for.
            began: When it began, by ``time.monotonic``.
            known: All jobs that were listed, if none of them has to be accounted for again.
        """
        if known:
            self._known[places] = frozenset(known)
        now = time.monotonic()
        self._took = now - began
        for place in places:
            self._tried[place] = now
            if clean:
                self._clean[place] = now
            else:
                self._clean.pop(place, None)

    def was_tried(self, places: tuple[str, ...], *, idle: bool) -> bool:
        """Tell whether they were to be listed a moment ago, with whatever success.

        Args:
            places: Where.
            idle: Whether nothing was submitted since; if anything was, a moment is as short as listing takes.
        """
        return _all_recent(self._tried, places, _RECENT_SECONDS if idle else min(_RECENT_SECONDS, _SHARE * self._took))

    def known(self, places: tuple[str, ...]) -> Collection[str]:
        """Return jobs that are accounted for, as are all that are older; none if there is nothing like that."""
        return self._known.get(places, frozenset())

    def was_clean(self, places: tuple[str, ...]) -> bool:
        """Tell whether every job was accounted for a moment ago."""
        return _all_recent(self._clean, places, _RECENT_SECONDS)


def _all_recent(seen: dict[str, float], places: tuple[str, ...], seconds: float) -> bool:
    now = time.monotonic()
    return all(place in seen and now - seen[place] < seconds for place in places)
