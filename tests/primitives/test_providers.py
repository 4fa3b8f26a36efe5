"""What the table of other providers' backends says is so."""

import importlib.util
from pathlib import Path

import pytest

import qiskit_qml_ext
from tests.primitives.providers import FEATURES, PROVIDERS, table

CELLS = [(name, feature) for name, provider in PROVIDERS.items() for feature in provider.tested]


@pytest.mark.parametrize(("name", "feature"), CELLS)
# the packages of other providers warn of their own plans
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_what_the_table_says_is_so(name, feature, tmp_path):
    provider = PROVIDERS[name]
    if importlib.util.find_spec(provider.module) is None:
        pytest.skip(f"{provider.module} is not installed")
    FEATURES[feature](provider, tmp_path)


def test_the_table_is_written_anew():
    page = Path(qiskit_qml_ext.__file__).parents[1] / "docs" / "providers.md"
    assert page.read_text(encoding="utf-8") == table()
