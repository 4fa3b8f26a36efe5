"""The whole diagnosis of a circuit or a kernel: its stages, its price, its report."""
