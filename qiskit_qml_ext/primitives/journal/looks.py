"""When this process last asked a service for all jobs of a journal, so that many small runs do not ask for each."""

import time

_RECENT_SECONDS = 60.0


class Looks:
    """Remembers looks at the jobs of one journal, for each place where they lie."""

    def __init__(self) -> None:
        self._tried: dict[str, float] = {}
        self._clean: dict[str, float] = {}

    def note(self, places: tuple[str, ...], *, clean: bool) -> None:
        """Note a look.

        Args:
            places: Where.
            clean: Whether it succeeded and every job was accounted for.
        """
        now = time.monotonic()
        for place in places:
            self._tried[place] = now
            if clean:
                self._clean[place] = now
            else:
                self._clean.pop(place, None)

    def was_tried(self, places: tuple[str, ...]) -> bool:
        """Tell whether there was a look a moment ago, of whatever success."""
        return _all_recent(self._tried, places)

    def was_clean(self, places: tuple[str, ...]) -> bool:
        """Tell whether every job was accounted for a moment ago."""
        return _all_recent(self._clean, places)


def _all_recent(seen: dict[str, float], places: tuple[str, ...]) -> bool:
    now = time.monotonic()
    return all(now - seen[place] < _RECENT_SECONDS if place in seen else False for place in places)
