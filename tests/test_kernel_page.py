"""The snippets of docs/kernels.md run and print what they say, and its table has every kernel."""

import doctest
from inspect import isabstract, isclass
from pathlib import Path

import pytest

from qiskit_qml_ext import kernels

PAGE = Path(__file__).parent.parent / "docs" / "kernels.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_snippet_prints_what_it_says():
    example = doctest.DocTestParser().get_doctest(TEXT, {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner(verbose=False).run(example)
    assert result.failed == 0
    assert result.attempted > 35


def test_page_names_every_kernel_and_every_repair():
    public = [getattr(kernels, name) for name in kernels.__all__]
    wanted = [
        one.__name__
        for one in public
        if isclass(one)
        and not isabstract(one)
        and issubclass(one, (kernels.QuantumKernel, kernels.RepairStep))
        and one is not kernels.MeasuredFeaturesKernel  # made by ProjectedKernel.from_features
    ]
    assert len(wanted) > 15
    assert [name for name in wanted if f"`{name}" not in TEXT] == []


def test_links_lead_somewhere():
    for target in TEXT.replace("(\n", "(").split("](")[1:]:
        path = target.split(")")[0]
        assert path.startswith("https://") or (PAGE.parent / path).exists(), path
