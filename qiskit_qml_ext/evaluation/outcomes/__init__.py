"""What came out: every model on every fold, the quantum kernel and its diagnosis, and the record of all of it."""
