"""Kernel matrices in tiles: over processes and clusters, and on disk where they are larger than memory.

``kernel_matrix``, ``tiled_estimate``: the entrances, without and with errors, on ``tiled_work``. ``tiling``: how a
matrix is cut. ``tile_values``: what a kernel says of a tile. ``workers``: tiles through joblib. ``tile_store``: how a
matrix lies on the disk while it is computed; ``tile_memory``: in memory. ``content``: by what a store knows its kernel
and its data.
"""

from qiskit_qml_ext.kernels.tiles.kernel_matrix import compute_kernel_matrix
from qiskit_qml_ext.kernels.tiles.tiled_estimate import compute_kernel_estimate

__all__ = ["compute_kernel_estimate", "compute_kernel_matrix"]
