"""The circuits that a connection has made for its target: transpiled or packed once for each distinct content."""

from qiskit import QuantumCircuit
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.primitives.connection.bookkeeping import Bookkeeping
from qiskit_qml_ext.primitives.connection.packing import PackedCircuit, find_regions, pack_circuit
from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.content import circuit_key, layout_key, renamed
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.primitives.journal.work.inputs import Source
from qiskit_qml_ext.primitives.targets import Target, isa_circuit
from qiskit_qml_ext.primitives.targets.fractional import predicted_signal
from qiskit_qml_ext.primitives.targets.isa import isa_in_place

_MAX_CACHED_CIRCUITS = 256


class MadeCircuits:
    """Makes circuits for a target and keeps them; threads may share it.

    Args:
        target: Where they run.
        settings: How the target is used.
        journaling: Learns what each was made from, if there is a journal.
    """

    def __init__(self, target: Target, settings: ConnectionSettings, journaling: Bookkeeping | None):
        self._target = target
        self._settings = settings
        self._journaling = journaling
        self._making = Lock()  # a circuit that is there already is found without it
        self._isa_circuits: dict[str, tuple[QuantumCircuit | None, str]] = {}
        self._packed_circuits: dict[str, PackedCircuit] = {}

    def in_place(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """Return a circuit in the target's own gates whose qubits stay where they are."""
        with self._making:
            isa = isa_in_place(circuit, self._target, self._settings.optimization_level, self._settings.seed)
        if self._journaling is not None:
            self._journaling.remember_in_place(isa, circuit)
        return isa

    def isa_with_own_parameters(self, circuit: QuantumCircuit, key: str) -> QuantumCircuit:
        """Return a circuit in the target's own gates, with the parameters of the given one.

        Args:
            circuit: The circuit.
            key: Its content key.
        """
        isa = self.isa(circuit, key)[0]
        own = {parameter.name: parameter for parameter in circuit.parameters}
        others = {made: own[made.name] for made in isa.parameters if made != own.get(made.name, made)}
        return renamed(isa, others) if others else isa  # made of an equal circuit with parameters of its own

    def isa(self, circuit: QuantumCircuit, key: str | None = None) -> tuple[QuantumCircuit, str]:
        """Return a circuit in the target's own gates and its content key.

        Args:
            circuit: The circuit.
            key: Its content key, if it is known already.

        Raises:
            ValueError: If the circuit is wider than the target.
        """
        target = self._target
        if target.num_qubits is not None and circuit.num_qubits > target.num_qubits:
            raise ValueError(
                f"The circuit has {circuit.num_qubits} qubits but the target {target.name} has {target.num_qubits}. "
                "Use fewer features (for example through PCA) or a larger target."
            )
        key = key or circuit_key(circuit)
        place = "/".join([key, ",".join(parameter.name for parameter in circuit.parameters), layout_key(circuit)])
        made = self._isa_circuits.get(place)
        if made is None:
            with self._making:
                made = self._isa_circuits.get(place) or self._transpiled(circuit, key, place)
        return (circuit if made[0] is None else made[0]), made[1]

    def _transpiled(self, circuit: QuantumCircuit, key: str, place: str) -> tuple[QuantumCircuit | None, str]:
        """Transpile a circuit and keep the result; ``None`` stands for the circuit as it is."""
        how = self._settings
        source = Source(circuit, key, tuple(parameter.name for parameter in circuit.parameters), None)
        isa = None if self._journaling is None else self._journaling.made_before(source)
        if isa is None:
            isa = isa_circuit(circuit, self._target, how.optimization_level, how.seed, how.transpile_trials)
        as_it_is = isa is circuit  # then each caller gets the own one back, not another that is equal
        made = None if as_it_is else isa, circuit_key(isa)
        if self._journaling is not None:  # before anybody else finds the circuit
            made_from = self._journaling.made_from(key, self._made_with(trials=how.transpile_trials))
            self._journaling.remember(isa, made[1], made_from, source=source, placed_by_user=as_it_is)
        if len(self._isa_circuits) >= _MAX_CACHED_CIRCUITS:
            del self._isa_circuits[next(iter(self._isa_circuits))]
        self._isa_circuits[place] = made
        return made

    def packed(self, circuit: QuantumCircuit, key: str | None, number: int) -> PackedCircuit | None:
        """Return copies of a circuit side by side, or ``None`` where one circuit runs alone.

        Args:
            circuit: The circuit.
            key: Its content key, if it is known already.
            number: How many vectors of parameter values there are.
        """
        how = self._settings
        device = self._target.device if how.packing else None
        if device is None or number < 2 or not circuit.num_parameters:
            return None
        limit = number if how.packing is True else min(number, how.packing)
        key = f"{key or circuit_key(circuit)}/{limit}"
        with self._making:
            if key not in self._packed_circuits:
                regions = find_regions(device, circuit.num_qubits, copies=limit, buffer=how.packing_buffer)
                if len(regions) < 2:
                    return None
                tries = [
                    pack_circuit(circuit, gates, regions, optimization_level=how.optimization_level, seed=how.seed)
                    for gates in self._target.gate_sets(circuit)
                ]
                packed = max(tries, key=lambda one: predicted_signal(one.circuit, device))
                if self._journaling is not None:
                    made_with = self._made_with(copies=len(regions), buffer=how.packing_buffer)
                    own = key.partition("/")[0]
                    made = self._journaling.made_from(own, made_with)
                    source = Source(circuit, own, packed.names, None, packed.copies)
                    self._journaling.remember(packed.circuit, circuit_key(packed.circuit), made, source=source)
                self._packed_circuits[key] = packed
            return self._packed_circuits[key]

    def pub(self, given: SamplerPub) -> tuple[SamplerPub, int]:
        """Return the PUB that runs for a given one, and how many copies of the circuit are side by side in it."""
        circuit = given.circuit
        values = given.parameter_values.as_array(circuit.parameters)
        packed = self.packed(circuit, None, given.size)
        if packed is None:
            isa, names = self.isa(circuit)[0], tuple(parameter.name for parameter in circuit.parameters)
            return SamplerPub(isa, bindings_of(isa, names, values), given.shots), 1
        rows = packed.pack(values.reshape(given.size, -1))
        return SamplerPub(packed.circuit, bindings_of(packed.circuit, packed.names, rows), given.shots), packed.copies

    def _made_with(self, **others: int) -> dict[str, int | None]:
        """Return all that decides, besides the circuit and the target, which circuit runs in the end."""
        chosen = self._target.fractional
        fractional = {} if chosen == "auto" else {"fractional": int(chosen)}
        return {
            "optimization_level": self._settings.optimization_level,
            "seed": self._settings.seed,
            **fractional,
            **others,
        }


def bindings_of(isa: QuantumCircuit, names: tuple[str, ...], values: FloatArray) -> BindingsArray:
    """Return the values of the parameters that an ISA circuit still has, one row a circuit.

    The transpiler drops rotations that no measurement sees, and with them their angles.

    Args:
        isa: The circuit.
        names: The parameters of the circuit that it was made of.
        values: Their values, shape (..., number of names).
    """
    left = {parameter.name for parameter in isa.parameters}
    columns = [column for column, name in enumerate(names) if name in left]
    if names and not columns:
        raise ValueError(
            f"No parameter of the circuit ({', '.join(names[:3])}{', …' * (len(names) > 3)}) changes what is measured. "
            "Measure qubits that the rotations reach, in a basis that shows them."
        )
    data = {tuple(names[column] for column in columns): values[..., columns]} if columns else {}
    return BindingsArray(data, shape=values.shape[:-1])
