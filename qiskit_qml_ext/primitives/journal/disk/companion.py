"""The file beside a journal (``-wal``), read without SQLite, which would mix it with another one's journal.

Its format: a header of 32 bytes with the size of a page at byte 8, then frames, each a header of 24 bytes that begins
with the number of a page, and the page (https://www.sqlite.org/fileformat2.html, section 4).
"""

_HEADER, _FRAME_HEADER = 32, 24


def last_written(companion: bytes, page: int) -> bytes | None:
    """Return what was last written of a page of the journal.

    Args:
        companion: The file beside the journal.
        page: The number of the page, from 1.

    Returns:
        The page; ``None`` if the file has nothing of it.
    """
    size = int.from_bytes(companion[8:12], "big")
    if size < 512:
        return None
    found = None
    for start in range(_HEADER, len(companion) - _FRAME_HEADER - size + 1, _FRAME_HEADER + size):
        if int.from_bytes(companion[start : start + 4], "big") == page:
            found = companion[start + _FRAME_HEADER : start + _FRAME_HEADER + size]
    return found
