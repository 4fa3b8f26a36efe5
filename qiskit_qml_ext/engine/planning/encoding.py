"""A circuit as an encoding of data, which training leaves as it is, and the trained rest."""

from dataclasses import replace
from weakref import WeakKeyDictionary

from qiskit_qml_ext.arrays import IntArray
from qiskit_qml_ext.program import InitialState, PauliRotation, RotationProgram, driven_angles

_SPLIT: "WeakKeyDictionary[RotationProgram, dict[tuple[int, ...], tuple[RotationProgram, RotationProgram] | None]]" = (
    WeakKeyDictionary()
)


def split_encoding(program: RotationProgram, weights: IntArray) -> tuple[RotationProgram, RotationProgram] | None:
    """Split a program before its first trained rotation, if what follows depends on nothing but the weights.

    Args:
        program: The circuit. Its global phase is left out.
        weights: The columns of the parameters that are trained.

    Returns:
        What comes before, and the rest; ``None`` where data enters behind the first trained rotation. Both have the
        parameters of the program.
    """
    kept = _SPLIT.setdefault(program, {})
    key = tuple(weights.tolist())
    if key not in kept:
        kept[key] = _split(program, weights)
    return kept[key]


def _split(program: RotationProgram, weights: IntArray) -> tuple[RotationProgram, RotationProgram] | None:
    trained = set(weights.tolist())
    by_weights = driven_angles(program.angles, sorted(trained))
    by_data = driven_angles(program.angles, [c for c in range(program.num_parameters) if c not in trained])
    operations = program.operations
    depends = [isinstance(one, PauliRotation) and bool(by_weights[one.angle]) for one in operations]
    first = depends.index(True) if any(depends) else len(operations)
    before, rest = operations[:first], operations[first:]
    if any(isinstance(one, PauliRotation) and by_data[one.angle] for one in rest):
        return None
    prepared = tuple(one for one in rest if isinstance(one, InitialState))  # on qubits that nothing acted on before
    rest = tuple(one for one in rest if not isinstance(one, InitialState))
    return (
        replace(program, operations=(*prepared, *before), phase=None),
        replace(program, operations=rest, phase=None),
    )
