"""Text, page, figures and JSON of a finished evaluation."""

import json
import math
import re
import stat
from html.parser import HTMLParser

import matplotlib as mpl
import pytest
from evaluation_data import NASTY

from qiskit_qml_ext.evaluation import formatting as fmt
from qiskit_qml_ext.evaluation import json_schema
from qiskit_qml_ext.evaluation.report import figures
from qiskit_qml_ext.evaluation.report.page import render_report
from qiskit_qml_ext.evaluation.report.sections.run import chosen
from qiskit_qml_ext.evaluation.report.terminal import as_text
from qiskit_qml_ext.private_files import write_private

mpl.use("agg")

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def problems(value, schema, root, where="$"):
    """Return where a value breaks the part of JSON Schema that schema.json uses; unknown keywords are an error."""
    schema = dict(schema)
    if reference := schema.pop("$ref", None):
        return problems(value, root["$defs"][reference.removeprefix("#/$defs/")], root, where)
    found = []
    for ignored in ("title", "description", "$schema", "$defs"):
        schema.pop(ignored, None)
    names = schema.pop("type", None)
    if names is not None:
        names = [names] if isinstance(names, str) else names
        fits = any(isinstance(value, TYPES[n]) and (n == "boolean" or not isinstance(value, bool)) for n in names)
        if not fits:
            return [f"{where} is no {names}"]
    properties, extra = schema.pop("properties", {}), schema.pop("additionalProperties", True)
    required, items = schema.pop("required", []), schema.pop("items", None)
    if isinstance(value, dict):
        found += [f"{where} lacks {name}" for name in required if name not in value]
        for name, item in value.items():
            if name in properties:
                found += problems(item, properties[name], root, f"{where}.{name}")
            elif extra is False:
                found.append(f"{where} has an unknown {name}")
            elif isinstance(extra, dict):
                found += problems(item, extra, root, f"{where}.{name}")
    if isinstance(value, list) and items is not None:
        for place, item in enumerate(value):
            found += problems(item, items, root, f"{where}[{place}]")
    checks = {
        "const": lambda limit: value == limit,
        "enum": lambda limit: value in limit,
        "minimum": lambda limit: not isinstance(value, (int, float)) or value >= limit,
        "maximum": lambda limit: not isinstance(value, (int, float)) or value <= limit,
        "minItems": lambda limit: len(value) >= limit,
        "anyOf": lambda parts: any(not problems(value, part, root, where) for part in parts),
    }
    found += [f"{where} breaks {name}" for name, limit in schema.items() if not checks[name](limit)]
    return found


@pytest.fixture(params=["classification", "regression", "both", "trained_regression"])
def result(request):
    return request.getfixturevalue(request.param)


def test_json_follows_its_schema_and_survives_a_round_trip(result):
    document = result.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert problems(document, json_schema(), json_schema()) == []


def test_the_schema_check_would_notice(classification):
    for damage in (
        lambda d: d.pop("verdict"),
        lambda d: d["models"][0].update(mean="high"),
        lambda d: d["verdict"].update(code="maybe"),
        lambda d: d.update(surprise=1),
        lambda d: d["kernel"]["mean"].pop("low"),
        lambda d: d["diagnosis"].pop("evidence"),
        lambda d: d["diagnosis"]["findings"][0].update(level="fine"),
    ):
        document = classification.to_dict()
        damage(document)
        assert problems(document, json_schema(), json_schema())


def test_numbers_that_json_does_not_know_become_null(classification):
    assert classification.to_dict()["models"][-1]["std"] == 0
    assert "NaN" not in json.dumps(classification.to_dict())


class Page(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]


def test_a_frame_has_a_row_for_each_model(result):
    frame = result.to_frame().set_index("key")
    assert list(frame.index) == [model.key for model in result.models]
    for model in result.models:
        row = frame.loc[model.key]
        assert row["mean"] == model.mean or model.failure is not None
        if model.comparison is None:
            assert math.isnan(row["difference"])
        else:
            assert (row["difference"], row["difference_low"]) == (model.comparison.difference, model.comparison.low)


def test_page_needs_nothing_from_outside(result):
    text = render_report(result)
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(page.tags)
    for tag, name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "data", "action", "srcset"):
            assert value.startswith(("#", "data:image/png;base64,")), (tag, name, value[:60])
        assert not name.startswith("on"), (tag, name)
    assert "@import" not in text
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", text))


def test_names_from_the_data_are_escaped(classification):
    text = render_report(classification)
    assert NASTY not in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "<script" not in classification._repr_html_()


def test_page_has_verdict_table_and_described_figures(result):
    page, text = Page(render_report(result)), render_report(result)
    assert text.index(result.verdict.code) < text.index("<table")
    assert text.index("<table") < text.index("<figure")
    assert page.tags.count("figure") == page.tags.count("svg") == page.tags.count("figcaption")
    trainings = () if result.variational is None else result.variational.trainings
    assert page.tags.count("figure") == 1 + 4 * (result.kernel is not None) + len(trainings)
    labels = [value for _, name, value in page.attributes if name == "aria-label"]
    assert len(labels) >= 6
    assert all(labels)
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert 'name="viewport"' in text
    assert "@media print" in text
    assert "prefers-color-scheme: dark" in text


def test_report_is_readable_by_its_owner_only(result, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    path.chmod(0o644)
    assert result.report(path) == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "\ud800")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    with pytest.raises(ValueError, match="does not exist"):
        write_private(tmp_path / "no" / "file", "x")
    with pytest.raises(ValueError, match="is a folder"):
        write_private(tmp_path, "x")


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_text_fits_every_width(result, width):
    lines = as_text(result, width=width).splitlines()
    table = lines[: next(i for i, line in enumerate(lines) if line.startswith("Dummy")) + 1]
    assert all(len(line) <= width or " " not in line for line in table)
    assert not any("…" in line for line in table[1:])
    assert result.verdict.sentence.split()[0] in as_text(result, width=width)


def test_summary_has_all_parts(result):
    text = result.summary()
    of_the_model = ("Variational",) if result.kernel is None else ("Quantum kernel", "Effective rank")
    for part in (*of_the_model, "Dummy", "On hardware", result.verdict.sentence[:40]):
        assert part in text
    assert "\x1b" not in text
    assert repr(result).startswith("<Evaluation of")
    assert "<table" in result._repr_html_()


def test_figures_are_drawn(result):
    of_the_kernel = (figures.plot_kernel, figures.plot_spectrum, figures.plot_entries)
    for plot in (figures.plot_scores, *(of_the_kernel if result.kernel is not None else ())):
        axes = plot(result)
        assert axes.has_data()
        mpl.pyplot.close(axes.figure)
    for plot in () if result.kernel is not None else of_the_kernel:
        with pytest.raises(ValueError, match="No quantum kernel was compared, so there is no kernel matrix to draw"):
            plot(result)


def test_choices_of_the_search_are_counted():
    assert chosen([{"C": 1.0, "bandwidth": 0.1}, {"C": 10.0, "bandwidth": 0.1}, {"C": 10.0, "bandwidth": 0.1}]) == (
        "C 10 (2×), 1 (1×); bandwidth 0.1"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (fmt.score(0.12345), "0.123"),
        (fmt.score(-0.0001), "0.000"),
        (fmt.score(-3456.7), "−3,457"),
        (fmt.score(float("nan")), "–"),
        (fmt.signed(0.02), "+0.020"),
        (fmt.signed(-0.02), "−0.020"),
        (fmt.signed(0.0), "0.000"),
        (fmt.interval(-0.1, 0.25), "−0.100 to +0.250"),
        (fmt.interval(float("nan"), float("nan")), "–"),
        (fmt.p_equals(0.0004), "p < 0.001"),
        (fmt.p_equals(0.049), "p = 0.049"),
        (fmt.p_equals(0.123), "p = 0.12"),
        (fmt.duration(0.012), "12 ms"),
        (fmt.duration(59.96), "1 min"),
        (fmt.duration(200), "3 min 20 s"),
        (fmt.duration(3600), "1.0 h"),
        (fmt.duration(3 * 86400), "3.0 days"),
        (fmt.duration(100 * 365.25 * 86400), "100 years"),
        (fmt.count(1234), "1,234"),
        (fmt.count(1.234e7), "12.3 million"),
        (fmt.count(float("inf")), "∞"),
        (fmt.plural(1, "fold"), "1 fold"),
        (fmt.plural(1200, "fold"), "1,200 folds"),
    ],
)
def test_numbers_are_written_consistently(text, expected):
    assert text == expected
