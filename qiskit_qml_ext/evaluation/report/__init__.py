"""How a record is shown: in a terminal, as a page, as a fragment for notebooks and as JSON."""
