"""The commands of ``qiskit-qml-ext``, one file each. They import what they run only when they run."""
