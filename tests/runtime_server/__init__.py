"""A small REST service that the unmodified IBM Runtime client takes for the real one.

It keeps its state on disk, so that it can be killed and started again; it writes down every shot that it executes; and
it can be told to misbehave. Jobs run on Aer in a process of their own.
"""

from runtime_server.harness import RuntimeServer

__all__ = ["RuntimeServer"]
