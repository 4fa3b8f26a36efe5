"""Paragraphs and tables on a console."""

import textwrap
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_PROSE_WIDTH = 100


class TextWriter:
    """Writes the parts of a report on a console."""

    def __init__(self, console: Console):
        self.console = console

    def print(self, *parts: RenderableType) -> None:
        """Print what rich can, or an empty line."""
        self.console.print(*parts)

    def paragraph(self, text: str, *, start: str = "", style: str = "") -> None:
        """Print a paragraph, wrapped at a width that is comfortable to read, its lines under the end of ``start``."""
        width, rest = min(self.console.width, _PROSE_WIDTH), " " * len(start)
        for line in textwrap.wrap(
            text, width, initial_indent=start, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
        ):
            self.console.print(Text(line, style=style), soft_wrap=True)

    def rows(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Print rows of name, value and meaning."""
        grid = Table.grid(padding=(0, 2))
        for name, value, meaning in rows:
            grid.add_row(f"  {name}", value, Text(meaning, style="dim"))
        self.console.print(grid)

    def fits(self, table: Table) -> bool:
        """Whether a table fits the width of the console."""
        natural = self.console.measure(table, options=self.console.options.update(width=1000))
        return natural.maximum <= self.console.width
