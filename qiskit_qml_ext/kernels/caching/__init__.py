"""Entries of kernel matrices remembered by content: what a kernel is, where its entries lie, and the kernel around it.

The key of an entry is the content of the kernel (circuit, weights, method, target with its noise, shots, seed) and the
bytes of the two samples; see ``contents``. Entries lie in memory, and in a file that processes share.
"""

from qiskit_qml_ext.kernels.caching.cached_kernel import CachedKernel

__all__ = ["CachedKernel"]
