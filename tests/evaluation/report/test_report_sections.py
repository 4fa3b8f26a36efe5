"""A part of the report is one object: a new one appears in every medium by its line in the list."""

import re

import pytest

from qiskit_qml_ext.evaluation import json_schema
from qiskit_qml_ext.evaluation.report import document, page, terminal
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.sections import SECTIONS


class Luck(Section):
    key = "luck"
    title = "Luck"

    def applies(self, record):
        return len(record.models) > 6

    def text(self, record, writer):
        writer.paragraph("Text of luck.")

    def page(self, record):
        return "<section>Page of luck.</section>"

    def fragment(self, record):
        return "<p>Fragment of luck.</p>"

    def data(self, record):
        return {"luck": 7 if self.applies(record) else None}

    def schema(self):
        return {"luck": {"type": ["integer", "null"]}}


@pytest.fixture
def with_luck(monkeypatch):
    for medium in (document, page, terminal):
        monkeypatch.setattr(medium, "SECTIONS", (*SECTIONS, Luck()))


def test_a_new_section_appears_in_every_medium_and_in_the_schema(with_luck, classification):
    assert "Text of luck." in classification.summary()
    assert "Page of luck." in page.render_report(classification)
    assert "Fragment of luck." in classification._repr_html_()
    assert classification.to_dict()["luck"] == 7
    assert json_schema()["properties"]["luck"] == {"type": ["integer", "null"]}
    assert "luck" in json_schema()["required"]


def test_a_section_that_does_not_apply_is_null_in_the_document_and_nowhere_else(with_luck, regression):
    assert regression.to_dict()["luck"] is None
    shown = (regression.summary(), page.render_report(regression), regression._repr_html_())
    assert not any("luck" in text for text in shown)


def test_the_end_of_the_text_is_what_a_terminal_shows_first(with_luck, classification):
    text = classification.summary()
    assert text.index("Text of luck.") < text.index(classification.verdict.sentence[:40])
    assert text.rstrip().endswith(".")
    assert text.index("On hardware") > text.index(classification.verdict.sentence[:40])


@pytest.mark.parametrize("html", ["<p>Luck.</p>", '\n  <section class="box">Luck.</section>'])
def test_the_page_gives_a_section_the_id_by_which_it_is_linked_to(html, with_luck, classification, monkeypatch):
    monkeypatch.setattr(Luck, "page", lambda self, record: html)
    text = page.render_report(classification)
    assert re.search(r'<(?:p id="luck"|section id="luck" class="box")>Luck\.</', text)
    assert text.count('id="luck"') == 1


@pytest.mark.parametrize("name", ["classification", "regression", "both", "trained_regression"])
def test_every_section_adds_the_keys_that_its_schema_describes(name, request):
    record = request.getfixturevalue(name)
    assert len({section.key for section in SECTIONS}) == len(SECTIONS)
    for section in SECTIONS:
        missing = section.optional and not section.applies(record)
        assert list(section.data(record)) == ([] if missing else list(section.schema()))


@pytest.mark.parametrize("name", ["classification", "trained_regression"])
def test_every_section_of_the_page_can_be_linked_to(name, request):
    result = request.getfixturevalue(name)
    text = page.render_report(result)
    shown = [section for section in SECTIONS if section.applies(result) and section.page(result)]
    assert re.findall(r'<(?:header|section) id="([^"]*)"', text) == [section.key for section in shown]
    assert text.count("<section") + text.count("<header") == len(shown)


def test_each_of_two_verdicts_can_be_linked_to(both):
    text = page.render_report(both)
    shown = [section.key for section in SECTIONS if section.applies(both) and section.page(both)]
    ids = re.findall(r'<(?:header|section|div) id="([^"]*)"', text)
    assert ids == ["subject", "verdict", "variational_verdict", *shown[2:]]
