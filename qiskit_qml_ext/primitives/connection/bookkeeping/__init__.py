"""What a connection knows of the work that it asks for: from its journal, or from a data set that it replays.

bookkeeping: :class:`Bookkeeping`, what both have in common.
journaling: A journal.
replaying: A data set, and which of the two a connection has.
"""

from qiskit_qml_ext.primitives.connection.bookkeeping.bookkeeping import Bookkeeping
from qiskit_qml_ext.primitives.connection.bookkeeping.replaying import bookkeeping_of

__all__ = ["Bookkeeping", "bookkeeping_of"]
