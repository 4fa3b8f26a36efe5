"""An evaluation before it runs: what was asked, checked and counted, until it is a plan."""
