"""The rules of ``tests/architecture.py`` on small packages: each is seen to fail on what it forbids."""

import textwrap

import pytest

from tests import architecture
from tests.architecture import House

CLEAN = {
    "low/tool.py": "VALUE = 1\n",
    "high/user.py": "from house.low.tool import VALUE\n",
    "high/room/inner.py": "from house.low import tool\n",
    "high/hall/outer.py": "from house.high.room.inner import tool\n",
}
ORDERS = {"": ("low", "high"), "high": ("room", "hall")}


@pytest.fixture
def build(tmp_path):
    """Return a function that makes a package of files, with an ``__init__.py`` in every folder."""

    def make(files):
        for name, text in {**CLEAN, **files}.items():
            path = tmp_path / "house" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        for folder in [tmp_path / "house", *(tmp_path / "house").rglob("*")]:
            if folder.is_dir() and not (folder / "__init__.py").exists():
                (folder / "__init__.py").write_text('"""A folder."""\n')
        return House(tmp_path / "house")

    return make


def long_function(lines):
    """A function with as many lines of code, and a docstring, comments and blank lines that do not count."""
    inner = "".join(f"    value = {line}\n\n    # a comment\n" for line in range(lines - 1))
    return f'def work():\n    """Do it.\n\n    At length.\n    """\n{inner}'


RULES = {
    "circles of modules": architecture.circles_of_modules,
    "circles of rooms": architecture.circles_of_rooms,
    "upward imports": lambda house: architecture.upward_imports(house, ORDERS),
    "compiled": lambda house: architecture.compiled_outside(house, "low"),
    "no __init__": architecture.folders_without_init,
    "crowded": lambda house: architecture.crowded_folders(house, 3),
    "long modules": lambda house: architecture.long_modules(house, 100),
    "long functions": lambda house: architecture.long_functions(house, 5),
    "relative imports": architecture.relative_imports,
}


@pytest.mark.parametrize("rule", RULES)
def test_a_clean_package_breaks_no_rule(build, rule):
    assert RULES[rule](build({})) == set()


@pytest.mark.parametrize(
    ("rule", "files", "broken"),
    [
        (
            "circles of modules",
            {"low/a.py": "from house.low.b import B\n", "low/b.py": "import house.low.a\n"},
            {"low.a <-> low.b"},
        ),
        (
            "circles of modules",
            {
                "low/a.py": "from house.low import b\n",
                "low/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.low.c import C\n",
                "low/c.py": "def late():\n    from house.low.a import A\n",
            },
            {"low.a <-> low.b <-> low.c"},
        ),
        (
            "circles of modules",
            {
                "low/a.py": "import importlib\nb = importlib.import_module('house.low.b')\n",
                "low/b.py": "import house.low.a\n",
            },
            {"low.a <-> low.b"},
        ),
        (
            "circles of modules",
            {"low/__init__.py": "from house.low.a import A\n", "low/a.py": "from house.low import B\n"},
            {"low <-> low.a"},
        ),
        (
            "circles of modules",
            {"low/a.py": "from .b import B\n", "low/b.py": "from . import a\n"},
            {"low.a <-> low.b"},
        ),
        (
            "circles of rooms",
            {"high/user.py": "import house.high.hall.outer\n", "high/hall/more.py": "import house.high.user\n"},
            {"high: hall <-> user"},
        ),
        ("upward imports", {"low/bad.py": "from house.high.user import VALUE\n"}, {"low.bad -> high.user"}),
        ("upward imports", {"low/bad.py": "def f():\n    import house.high.user\n"}, {"low.bad -> high.user"}),
        (
            "upward imports",
            {"high/room/bad.py": "from house.high.hall import outer\n"},
            {"high.room.bad -> high.hall.outer"},
        ),
        ("upward imports", {"other.py": ""}, {"top: other has no place in the order"}),
        ("upward imports", {"high/attic/box.py": ""}, {"high: attic has no place in the order"}),
        ("upward imports", {"low/cellar/box.py": ""}, {"low: cellar has no place in the order"}),
        ("compiled", {"high/fast.py": "import numba\n@numba.njit(cache=True)\ndef f(): ...\n"}, {"high.fast.f"}),
        ("compiled", {"high/fast.py": "from numba import njit as quick\n@quick\ndef f(): ...\n"}, {"high.fast.f"}),
        ("compiled", {"high/fast.py": "from house.low.jit import njit\n@njit\ndef f(): ...\n"}, {"high.fast.f"}),
        ("compiled", {"high/fast.py": "from house.low import jit\n@jit.njit\ndef f(): ...\n"}, {"high.fast.f"}),
        ("compiled", {"high/fast.py": "import numba as nb\nf = nb.vectorize(abs)\n"}, {"high.fast, line 2"}),
        ("compiled", {"high/fast.py": "from numba import cfunc\nf = cfunc('f8(f8)')(abs)\n"}, {"high.fast, line 2"}),
        ("crowded", {f"low/m{number}.py": "" for number in range(3)}, {"low"}),
        ("long modules", {"low/long.py": "a = 1\n" * 101}, {"low.long"}),
        ("long functions", {"low/long.py": long_function(6)}, {"low.long.work"}),
        (
            "long functions",
            {"low/long.py": "class C:\n" + textwrap.indent(long_function(6), "    ")},
            {"low.long.C.work"},
        ),
        ("relative imports", {"low/near.py": "from .tool import VALUE\n"}, {"low.near"}),
    ],
)  # fmt: skip
def test_a_rule_finds_what_breaks_it(build, rule, files, broken):
    assert RULES[rule](build(files)) == broken


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        ("compiled", {"low/fast.py": "import numba\n@numba.njit\ndef f(): ...\n"}),
        ("compiled", {"high/other.py": "import jax\n@jax.jit\ndef f(): ...\n"}),
        ("compiled", {"high/version.py": "import numba\nprint(numba.__version__)\n"}),
        ("crowded", {"low/a.py": "", "low/b.py": "", "low/room/c.py": ""}),
        ("long modules", {"low/long.py": "a = 1\n" * 100}),
        ("long functions", {"low/long.py": long_function(5)}),
        ("circles of modules", {"low/a.py": "TEXT = 'house.low.b'\n", "low/b.py": "import house.low.a\n"}),
    ],
)
def test_a_rule_lets_pass_what_it_does_not_mean(build, rule, files):
    assert RULES[rule](build(files)) == set()


@pytest.mark.parametrize(
    ("orders", "broken"),
    [
        ({**ORDERS, "high": ("room", "attic", "hall")}, {"high: attic is not there"}),
        ({**ORDERS, "gone": ("a", "b")}, {"there is no folder gone"}),
    ],
)
def test_an_order_that_names_what_is_not_there_breaks_the_rule(build, orders, broken):
    assert architecture.upward_imports(build({}), orders) == broken


def test_the_map_lists_the_folders_in_their_order_each_followed_by_its_rooms(build):
    house = build({})
    assert architecture.folders_in_order(house, ORDERS) == ["low", "high", "high.room", "high.hall"]
    assert architecture.folders_in_order(house, {**ORDERS, "": ("high", "low")})[-1] == "low"


def test_a_folder_with_a_module_and_no_init_breaks_a_rule(build):
    house = build({"low/cellar/a.py": "VALUE = 1\n"})
    (house.root / "low" / "cellar" / "__init__.py").unlink()
    assert architecture.folders_without_init(house) == {"low/cellar"}
