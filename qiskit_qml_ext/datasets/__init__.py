"""Data for honest comparisons: real data sets that are bundled, and tables from CSV and Parquet files."""

from qiskit_qml_ext.datasets.bundled import BUNDLED
from qiskit_qml_ext.datasets.dataset import Dataset, Task, guess_task
from qiskit_qml_ext.datasets.loading import load_dataset

__all__ = ["BUNDLED", "Dataset", "Task", "guess_task", "load_dataset"]
