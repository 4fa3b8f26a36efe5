"""What can be read off the source of a package: who imports whom, how long things are, what is compiled where.

Every rule is a function of a :class:`House` that returns what breaks it, by name; an empty answer is a good one.
"""

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

COMPILERS = frozenset({"njit", "jit", "vectorize", "guvectorize", "cfunc", "stencil", "jit_module", "intrinsic"})


@dataclass(frozen=True)
class House:
    """A package on disk.

    Attributes:
        root: The folder of the package.
    """

    root: Path

    @cached_property
    def modules(self) -> dict[str, Path]:
        """The files by the names of their modules; a package's name stands for its ``__init__.py``."""
        return {self._name(path): path for path in sorted(self.root.rglob("*.py"))}

    @cached_property
    def folders(self) -> list[str]:
        """The folders that hold modules, below the root: ``primitives``, ``primitives.journal``, …"""
        return sorted({self.inner(self._name(path)) for path in self.root.rglob("*/__init__.py")})

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """The modules of the package that each one imports: anywhere in its text, also for types or in a function."""
        return {module: set(self._imported(module)) - {module} for module in self.modules}

    def inner(self, module: str) -> str:
        """The name of a module without that of the package."""
        return module.partition(".")[2]

    def tree(self, module: str) -> ast.Module:
        """The parsed text of a module."""
        return _tree(self.modules[module])

    def child(self, folder: str, module: str) -> str:
        """The child of a folder that a module is, or in which it lies; ``""`` if it lies elsewhere."""
        prefix = f"{self.root.name}.{folder}." if folder else f"{self.root.name}."
        return module.removeprefix(prefix).split(".")[0] if module.startswith(prefix) else ""

    def children(self, folder: str) -> set[str]:
        """The modules and the rooms that lie directly in a folder; ``""`` is the package's own."""
        return {self.child(folder, module) for module in self.modules} - {""}

    def _name(self, path: Path) -> str:
        parts = path.relative_to(self.root.parent).with_suffix("").parts
        return ".".join(parts).removesuffix(".__init__")

    def _imported(self, module: str) -> Iterator[str]:
        for node in ast.walk(self.tree(module)):
            if isinstance(node, ast.ImportFrom):
                base = self._base(module, node)
                for alias in node.names:
                    full = f"{base}.{alias.name}"
                    yield from (name for name in (full if full in self.modules else base,) if name in self.modules)
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name in self.modules)
            elif isinstance(node, ast.Call) and _last_name(node.func) in {"import_module", "__import__"}:
                texts = [text.value for text in node.args[:1] if isinstance(text, ast.Constant)]
                yield from (text for text in texts if text in self.modules)

    def _base(self, module: str, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = module.split(".")
        if self.modules[module].stem != "__init__":
            parts = parts[:-1]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def circles(graph: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """The groups of nodes that reach each other (Tarjan's strongly connected components of two or more)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = lowest[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], index[other])
        if lowest[node] == index[node]:
            place = stack.index(node)
            if len(stack) - place > 1:
                found.append(tuple(sorted(stack[place:])))
            del stack[place:]

    for node in graph:
        if node not in index:
            visit(node)
    return found


def circles_of_modules(house: House) -> set[str]:
    """Circles of imports between files."""
    return {" <-> ".join(map(house.inner, circle)) for circle in circles(house.imports)}


def inner_imports(house: House, folder: str) -> Iterator[tuple[str, str, str, str]]:
    """The imports between different children of a folder: ``(child, other child, module, other module)``."""
    for module, others in house.imports.items():
        child = house.child(folder, module)
        for target in sorted(others) if child else ():
            other = house.child(folder, target)
            if other and other != child:
                yield child, other, house.inner(module), house.inner(target)


def circles_of_rooms(house: House) -> set[str]:
    """Circles between the rooms of a folder and the modules beside them, each room taken as one."""
    found = set()
    for folder in ("", *house.folders):
        graph: dict[str, set[str]] = {child: set() for child in house.children(folder)}
        for child, other, _, _ in inner_imports(house, folder):
            graph[child].add(other)
        found |= {f"{folder}: " + " <-> ".join(circle) for circle in circles(graph)}
    return found


def rooms(house: House, folder: str) -> set[str]:
    """The folders that lie directly in a folder."""
    prefix = f"{folder}." if folder else ""
    return {child for child in house.children(folder) if prefix + child in house.folders}


def upward_imports(house: House, orders: Mapping[str, Sequence[str]]) -> set[str]:
    """What breaks the written order of each folder of rooms, from the lowest up; the top folder's order is complete.

    An order that names what is not there, or leaves out a room, breaks the rule too.
    """
    broken = {f"there is no folder {folder}" for folder in orders if folder and folder not in house.folders}
    for folder in ("", *house.folders):
        known = house.children(folder) if not folder else rooms(house, folder)
        order = list(orders.get(folder, ()))
        broken |= {f"{folder or 'top'}: {child} has no place in the order" for child in known - set(order)}
        broken |= {f"{folder or 'top'}: {child} is not there" for child in set(order) - house.children(folder)}
        for child, other, module, target in inner_imports(house, folder):
            if child in order and other in order and order.index(other) > order.index(child):
                broken.add(f"{module} -> {target}")
    return broken


def folders_in_order(house: House, orders: Mapping[str, Sequence[str]], within: str = "") -> list[str]:
    """The folders in the written order, each followed by its rooms: what a map of the package lists."""
    listed = []
    for child in orders.get(within, ()):
        folder = f"{within}.{child}" if within else child
        if folder in house.folders:
            listed += [folder, *folders_in_order(house, orders, folder)]
    return listed


def folders_without_init(house: House) -> set[str]:
    """Folders with modules but no ``__init__.py``: no installation holds them, and no rule sees them as folders."""
    return {
        str(path.parent.relative_to(house.root))
        for path in house.root.rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    }


def compiled_outside(house: House, room: str) -> set[str]:
    """Functions that numba compiles, by whatever name it was imported, outside of one room."""
    found = set()
    for module in house.modules:
        name = house.inner(module)
        if name == room or name.startswith(f"{room}."):
            continue
        tree = house.tree(module)
        known = _names_of_numba(tree)
        decorated = [
            (function.name, decorator)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef)
            for decorator in function.decorator_list
        ]
        found |= {f"{name}.{function}" for function, decorator in decorated if _is_compiler(decorator, known)}
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_compiler(node.func, known)]
        found |= {f"{name}, line {node.lineno}" for node in calls if node not in [each for _, each in decorated]}
    return found


def _names_of_numba(tree: ast.Module) -> dict[str, str]:
    """What the names that come from numba, or from a module that wraps its decorators, mean there."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module.split(".")[0] == "numba" or node.module.split(".")[-1] == "jit":
                known.update({alias.asname or alias.name: alias.name for alias in node.names})
            known.update(
                {alias.asname or alias.name: "numba" for alias in node.names if alias.name in {"jit", "numba"}}
            )
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "numba":
                    known[alias.asname or "numba"] = "numba"
    return known


def _is_compiler(node: ast.expr, known: Mapping[str, str]) -> bool:
    if isinstance(node, ast.Call):
        return _is_compiler(node.func, known)
    if isinstance(node, ast.Name):
        return known.get(node.id) in COMPILERS
    root = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return (
        isinstance(node, ast.Attribute) and isinstance(root, ast.Name) and root.id in known and node.attr in COMPILERS
    )


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def crowded_folders(house: House, limit: int) -> set[str]:
    """Folders with more modules than ``limit``, which rooms and ``__init__.py`` do not count to."""
    sizes = {folder: len(house.children(folder) - rooms(house, folder)) for folder in ("", *house.folders)}
    return {folder or "top" for folder, size in sizes.items() if size > limit}


def long_modules(house: House, limit: int) -> set[str]:
    """Modules with more lines than ``limit``."""
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in house.modules.items()}
    return {house.inner(module) for module, length in lengths.items() if length > limit}


def long_functions(house: House, limit: int) -> set[str]:
    """Functions with more lines of code than ``limit``: docstrings, comments and blank lines do not count."""
    found = set()
    for module, path in house.modules.items():
        long = {}
        for name, node in _functions(house.tree(module), ""):
            assert node.end_lineno is not None
            if node.end_lineno - node.lineno >= limit:
                long[name] = node
        if long:
            lines = _lines_of_code(path)
            for name, node in long.items():
                span = set(range(node.lineno, node.end_lineno + 1)) - _lines_of_docstrings(node)
                if len(lines & span) > limit:
                    found.add(f"{house.inner(module)}.{name}")
    return found


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + child.name, child
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        else:
            yield from _functions(child, prefix)


_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def _lines_of_code(path: Path) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def _lines_of_docstrings(node: ast.AST) -> set[int]:
    lines: set[int] = set()
    for inner in ast.walk(node):
        if (
            isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and ast.get_docstring(inner) is not None
        ):
            text = inner.body[0]
            lines.update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return lines


def relative_imports(house: House) -> set[str]:
    """Modules that import by dots, which a move breaks silently."""
    nodes = ((module, node) for module in house.modules for node in ast.walk(house.tree(module)))
    return {house.inner(module) for module, node in nodes if isinstance(node, ast.ImportFrom) and node.level}
