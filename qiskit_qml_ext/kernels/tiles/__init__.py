"""Kernel matrices in tiles: over processes and clusters, and on disk where they are larger than memory.

``kernel_matrix``: the one entrance. ``tiling``: how a matrix is cut. ``workers``: tiles through joblib. ``tile_store``:
how a matrix lies on the disk while it is computed. ``content``: by what a store knows its kernel and its data.
"""

from qiskit_qml_ext.kernels.tiles.kernel_matrix import compute_kernel_matrix

__all__ = ["compute_kernel_matrix"]
