"""A kernel whose entries are found once: for all folds, values of C, copies, and processes of a search."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from sklearn.base import clone
from typing_extensions import Self

from qiskit_qml_ext.arrays import BoolArray, FloatArray, IndexArray
from qiskit_qml_ext.checks import whole_number, wrong_kind
from qiskit_qml_ext.kernels.abilities import learns_from_labels, trained_clone
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.caching.cached_outcomes import CachedOutcomes, reinterpreted
from qiskit_qml_ext.kernels.caching.contents import entries_key
from qiskit_qml_ext.kernels.caching.entry_cache import EntryCache
from qiskit_qml_ext.kernels.caching.learned_state import parts_of
from qiskit_qml_ext.kernels.caching.missing_blocks import missing_blocks
from qiskit_qml_ext.kernels.caching.open_median import refuse_open_median
from qiskit_qml_ext.kernels.caching.shared_entries import SharedEntries
from qiskit_qml_ext.kernels.caching.table import EntryTable, sample_keys
from qiskit_qml_ext.kernels.combined.plans import added
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel, ReinterpretedKernel
from qiskit_qml_ext.kernels.measured_diagonal import MeasuredDiagonal
from qiskit_qml_ext.kernels.repairs import PsdRepair, steps_of
from qiskit_qml_ext.kernels.samples import check_pair, check_samples, distinct_samples
from qiskit_qml_ext.kernels.training.learned import LearningKernel, frozen_copy
from qiskit_qml_ext.primitives import Connection, RunPlan
from qiskit_qml_ext.primitives.connection.shared_results import planned_apart, planned_together

Found = tuple[IndexArray, IndexArray, RawKernel]
"""Rows and columns of a block, and its matrix."""
Find = Callable[[FloatArray, BoolArray], Iterator[Found]]
_MAX_MEMORY = 2**28  # 256 MiB: 3,300 samples


class CachedKernel(LearningKernel):
    """Remembers the entries of another kernel by content, so that a whole search costs one Gram matrix.

    An entry is known by the content of its kernel and by its two samples. The content is the circuit with its weights,
    the method, what the kernel and its parts learned by ``fit``, and what runs it: target with its noise, shots, seed,
    precision. The same entry is never found twice, in whatever fold, for whatever C, by whichever clone; entries that
    differ in any of these are never taken for each other. Entries keep their errors, shots, target, truncation errors,
    and the names of the steps that were applied to them. Repairs are applied after, as the kernel's ``psd_repair``
    says; a repair of a combination's part is an error.

    In memory, entries are shared among clones and threads of one process. In a file they are shared among processes
    too: with ``n_jobs=2`` each process has copies of its own otherwise. What one process is computing for a kernel,
    others wait for. In memory a connection or a sampler of your own is known by being the same object; in a file by its
    content, as a journal knows it: its class, its attributes but for counters, or what its ``journal_content()`` says.

    Args:
        kernel: The kernel. An entry must depend on nothing but its two samples, the kernel's arguments and what it
            learned by ``fit``: a bandwidth ``"median"`` that is still to be taken of the first samples is an error.
        samples: All samples of a search, shape (n, features). Then the first asking for some of them finds the whole
            matrix in one go, which takes the fewest jobs, and simulates each state once.
        store: The path of a file, or ``None`` for memory only.
        max_memory: How many bytes the entries in memory may take, over all kernels that share them; when there are
            more, the oldest are forgotten.

    Attributes:
        kernel_: Of a kernel that learns from labels: a clone of it, trained by ``fit``, as models call it.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.kernels import CachedKernel, FidelityKernel
        >>> X = np.linspace(0, 1, 6).reshape(3, 2)
        >>> kernel = CachedKernel(FidelityKernel())
        >>> bool(np.allclose(kernel(X)[:2, 1:], kernel(X[:2], X[1:])))
        True
    """

    def __init__(
        self,
        kernel: QuantumKernel,
        *,
        samples: ArrayLike | None = None,
        store: str | os.PathLike[str] | None = None,
        max_memory: int = _MAX_MEMORY,
    ):
        self.kernel = kernel
        self.samples = samples
        self.store = store
        self.max_memory = max_memory

    learned: ClassVar[tuple[str, ...]] = ("kernel_",)

    @property
    def learns(self) -> bool:
        """Whether the kernel learns from labels."""
        return learns_from_labels(self.kernel)

    @property
    def task(self) -> str:  # type: ignore[override]  # an argument of other kernels
        """What the kernel takes labels for, if it learns from them."""
        task: str = getattr(self.kernel, "task")  # noqa: B009
        return task

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train a clone of the kernel.

        Args:
            X: Samples, shape (n, features).
            y: Their classes or numbers, shape (n,).

        Raises:
            ValueError: If it has nothing to learn.
        """
        if not learns_from_labels(self._inner):
            raise ValueError(
                f"The {type(self.kernel).__name__} in this cache learns nothing from labels: leave fit out."
            )
        self._learn({"kernel_": trained_clone(self.kernel, X, y, owner=self)})
        return self

    def frozen(self) -> "CachedKernel":
        """Return a cache of the kernel with what it learned as its arguments; it shares what was found."""
        copy = self._copied(clone)
        copy.kernel = frozen_copy(self._inner)
        return copy

    def set_params(self, **params: Any) -> Self:
        """Change settings; what a kernel learned is forgotten when its own are changed."""
        super().set_params(**params)
        if any(name.split("__")[0] == "kernel" for name in params):
            self._forget()
        return self

    @property
    def psd_repair(self) -> PsdRepair:  # type: ignore[override]  # an argument of other kernels
        """The repairs of the kernel."""
        return self._inner.psd_repair

    @property
    def is_symmetric(self) -> bool:  # type: ignore[override]  # that of the kernel
        """Whether k(x, y) and k(y, x) are one number."""
        return self._inner.is_symmetric

    @property
    def num_qubits(self) -> Callable[[int], int]:
        """The kernel's own method, if it has one."""
        method: Callable[[int], int] = getattr(self._inner, "num_qubits")  # noqa: B009
        return method

    @property
    def circuit(self) -> Callable[[int], QuantumCircuit]:
        """The kernel's own method, if it has one."""
        method: Callable[[int], QuantumCircuit] = getattr(self._inner, "circuit")  # noqa: B009
        return method

    @property
    def chosen_method(self) -> Callable[[int], Any]:
        """The kernel's own method, if it has one."""
        method: Callable[[int], Any] = getattr(self._inner, "chosen_method")  # noqa: B009
        return method

    @property
    def reinterpret(self) -> Callable[..., ReinterpretedKernel]:
        """The kernel's own method, if it has one; entries remembered in a file have no outcomes there."""
        getattr(self._inner, "reinterpret")  # noqa: B009
        return partial(reinterpreted, self._inner, self.store)

    @property
    def plan(self) -> Callable[..., RunPlan]:
        """The kernel's own method, if it has one, for the entries that are not known."""
        getattr(self._inner, "plan")  # noqa: B009
        return self._plan

    @property
    def entries_are_fractions(self) -> bool:
        """Whether those of the kernel are."""
        return self._inner.entries_are_fractions

    @property
    def unit_diagonal(self) -> bool:
        """Whether k(x, x) is 1 by definition."""
        return self._inner.unit_diagonal

    @property
    def is_positive_semidefinite(self) -> bool | None:  # type: ignore[override]
        """What the kernel says of itself."""
        return self._inner.is_positive_semidefinite

    @property
    def _inner(self) -> QuantumKernel:
        if not isinstance(self.kernel, QuantumKernel):
            raise wrong_kind("kernel", "a quantum kernel of this package", self.kernel)
        trained: QuantumKernel = vars(self).get("kernel_", self.kernel)
        return trained

    def raw_kernel(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        """Return the matrix of checked samples, finding only the entries that are not known."""
        self._refuse_dependence_on_others(x.shape[1])
        distinct, asked, rows, columns = self._asked(x, y)
        with self._table(x.shape[1]) as table:
            known = table.indices(distinct, max_bytes=self.max_memory)
            search = self._search_of(distinct)
            if search is not None and (asked & table.missing(known, known)).any():
                self._complete(table, search, np.ones((len(search), len(search)), dtype=bool), self._found_matrix)
            self._complete(table, distinct, asked, self._found_matrix)
            known = table.indices(distinct, max_bytes=self.max_memory)
            raw = table.raw(known[rows], known[columns])
        if not hasattr(self._inner, "reinterpret"):
            return raw
        return replace(raw, outcomes=CachedOutcomes(self._inner, x, y, self.store))

    def _plan(
        self,
        x_vec: ArrayLike,
        y_vec: ArrayLike | None = None,
        *,
        shots: int | None = None,
        price_per_minute: float | None = None,
        entries: tuple[float, float] | None = None,
    ) -> RunPlan:
        """Say what the entries that are not known will take; with ``samples=``, those of the whole search."""
        x, y = check_pair(x_vec, y_vec)
        self._refuse_dependence_on_others(x.shape[1])
        plan_of = partial(
            getattr(self._inner, "plan"),  # noqa: B009
            shots=shots,
            price_per_minute=price_per_minute,
            entries=entries,
        )
        distinct, asked, _, _ = self._asked(x, y)
        missing, search = self._missing(distinct, asked), self._search_of(distinct)
        if not missing.any():
            with planned_apart():
                return plan_of(x, y).of_known_work()
        if search is not None:
            x, y, distinct = search, None, search
            missing = self._missing(search, np.ones((len(search), len(search)), dtype=bool))
        blocks = missing_blocks(missing, is_symmetric=self.is_symmetric)
        with planned_together():
            return added(
                [plan_of(distinct[rows], None if columns is None else distinct[columns]) for rows, columns in blocks]
            )

    def _refuse_dependence_on_others(self, num_features: int) -> None:
        """Refuse, before anything is run, kernels whose entries depend on other samples than their own two."""
        refuse_open_median(self._inner, num_features)
        for part in list(parts_of(self._inner))[1:]:
            if isinstance(part, QuantumKernel) and steps_of(part.psd_repair):
                raise ValueError(
                    f"A {type(part).__name__} inside the cached kernel has psd_repair={part.psd_repair!r}, which sees "
                    "the matrix of a call, so that entries would depend on other samples than their own. Set it to "
                    "None and repair the whole: psd_repair of the outer kernel."
                )

    def _missing(self, samples: FloatArray, asked: BoolArray) -> BoolArray:
        """Return which entries of distinct samples are asked for and neither in memory nor in the file."""
        with self._table(samples.shape[1]) as table:
            places = table.indices(samples, max_bytes=self.max_memory)
            if self.store is not None:
                shared = SharedEntries(self.store, entries_key(self._inner, samples.shape[1], in_every_process=True))
                shared.load(table, samples, places, asked & table.missing(places, places), self.is_symmetric)
            return asked & table.missing(places, places)

    def _asked(self, x: FloatArray, y: FloatArray | None) -> tuple[FloatArray, BoolArray, IndexArray, IndexArray]:
        """Return the distinct samples, which of their entries a matrix has, and its rows and columns among them."""
        every = x if y is None else np.concatenate([x, y])
        distinct, place = distinct_samples(every)
        place = np.arange(len(every)) if place is None else place
        rows, columns = place[: len(x)], place if y is None else place[len(x) :]
        asked = np.zeros((len(distinct), len(distinct)), dtype=bool)
        asked[np.ix_(rows, columns)] = True
        if self.is_symmetric:
            asked |= asked.T
        return distinct, asked, rows, columns

    def measured_diagonal(self, samples: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return k(x, x) of checked samples as the target gives it, and its standard errors."""
        self.check_measures_diagonal()
        distinct, place = distinct_samples(samples)
        place = np.arange(len(samples)) if place is None else place
        with self._table(samples.shape[1]) as table:
            self._complete(table, distinct, np.eye(len(distinct), dtype=bool), self._found_diagonal)
            raw = table.raw(*[table.indices(distinct, max_bytes=self.max_memory)] * 2)
        return np.diagonal(raw.matrix)[place], np.diagonal(raw.standard_errors)[place]

    def check_measures_diagonal(self) -> None:
        """Refuse a repair that needs the measured kernel of samples with themselves, where the kernel does."""
        self._inner.check_measures_diagonal()

    def _diagonal_for_repairs(self, rows: FloatArray, columns: FloatArray) -> MeasuredDiagonal:
        """Return what the kernel hands over, measured through the table."""
        return replace(self._inner._diagonal_for_repairs(rows, columns), measure=self.measured_diagonal)

    def with_connection(self, connection: Connection | None) -> Self:
        """Return a copy whose circuits run through another connection; ``None`` for exact results."""
        return self._copy_with(kernel=self._inner.with_connection(connection))

    def exact_copy(self) -> Self:
        """Return a copy with exact results and without a repair."""
        return self._copy_with(kernel=self._inner.exact_copy())

    def _synthesis_error(self, x: FloatArray, y: FloatArray | None) -> float | None:
        return self._inner._synthesis_error(x, y)

    @contextmanager
    def _table(self, num_features: int) -> Iterator[EntryTable]:
        """Hold the table of the kernel's entries."""
        whole_number("max_memory", self.max_memory)
        key = entries_key(self._inner, num_features, in_every_process=False)
        with self._memory.table(key, max_bytes=self.max_memory) as table:
            yield table

    @property
    def _memory(self) -> EntryCache:
        """What is shared with the copies of this kernel."""
        held: EntryCache = self.__dict__.setdefault("_entries", EntryCache())
        return held

    def _search_of(self, samples: FloatArray) -> FloatArray | None:
        """Return the distinct samples of the search, if all of these are among them."""
        if self.samples is None:
            return None
        search = distinct_samples(check_samples("samples", self.samples))[0]
        if search.shape[1] != samples.shape[1] or not set(sample_keys(samples)) <= set(sample_keys(search)):
            return None
        return search

    def _complete(self, table: EntryTable, samples: FloatArray, asked: BoolArray, find: Find) -> None:
        """Find the entries that are asked for and not known, in the file first if there is one.

        Args:
            table: Gets them.
            samples: Distinct samples, shape (n, features).
            asked: Which entries are asked for, shape (n, n).
            find: Yields entries that are missing.
        """
        places = table.indices(samples, max_bytes=self.max_memory)
        if not (asked & table.missing(places, places)).any():
            return
        if self.store is None:
            self._find(table, samples, places, asked & table.missing(places, places), find, None)
            return
        shared = SharedEntries(self.store, entries_key(self._inner, samples.shape[1], in_every_process=True))
        with shared.held():  # another process may be at the same entries
            shared.load(table, samples, places, asked & table.missing(places, places), self.is_symmetric)
            self._find(table, samples, places, asked & table.missing(places, places), find, shared)

    def _find(
        self,
        table: EntryTable,
        samples: FloatArray,
        places: IndexArray,
        missing: BoolArray,
        find: Find,
        shared: SharedEntries | None,
    ) -> None:
        for rows, columns, raw in find(samples, missing):
            first, second = (each.ravel() for each in np.broadcast_arrays(rows[:, None], columns))
            errors = np.full(raw.matrix.shape, np.nan) if raw.errors is None else raw.errors
            shots = np.full(raw.matrix.shape, raw.shots or 0) if raw.entry_shots is None else raw.entry_shots
            moved = np.full(raw.matrix.shape, np.nan) if raw.truncation_errors is None else raw.truncation_errors
            found = tuple(np.asarray(each, dtype=np.float64).ravel() for each in (raw.matrix, errors, shots, moved))
            if table.target not in (None, raw.target):
                raise ValueError(
                    f"The kernel says that its entries come from {raw.target!r}, but before they came from "
                    f"{table.target!r}. A CachedKernel needs one that names its target alike each time."
                )
            table.target = raw.target
            table.applied = tuple(dict.fromkeys((*table.applied, *raw.applied)))
            table.put(places[first], places[second], *found, is_symmetric=self.is_symmetric)
            if shared is not None:
                shared.save(raw.target, table.applied, samples, first, second, found, self.is_symmetric)

    def _found_matrix(self, samples: FloatArray, missing: BoolArray) -> Iterator[Found]:
        for rows, columns in missing_blocks(missing, is_symmetric=self.is_symmetric):
            raw = self._inner._checked_raw(samples[rows], None if columns is None else samples[columns])
            yield rows, rows if columns is None else columns, raw

    def _found_diagonal(self, samples: FloatArray, missing: BoolArray) -> Iterator[Found]:
        for row, raw in self._diagonal_of(samples, np.flatnonzero(np.diagonal(missing))):
            yield row, row, raw

    def _diagonal_of(self, samples: FloatArray, rows: IndexArray) -> Iterator[tuple[IndexArray, RawKernel]]:
        values, errors = self._inner.measured_diagonal(samples[rows])
        for place, row in enumerate(rows):
            whole = self._inner._checked_raw(samples[row : row + 1], None)  # its shots and target; known by now
            one = replace(
                whole,
                matrix=values[place].reshape(1, 1),
                errors=errors[place].reshape(1, 1),
                truncation_errors=None,
            )
            yield np.array([row]), one

    def _copied(self, copy_of: Callable[[Any], Any]) -> Self:
        copy = super()._copied(copy_of)
        copy.__dict__["_entries"] = self._memory
        return copy
