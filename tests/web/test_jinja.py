from __future__ import annotations

import pytest
from django.template import engines
from django.utils import translation
from jinja2 import Environment, UndefinedError


def _environment() -> Environment:
    return engines["jinja2"].env


def test_our_templates_refuse_a_name_that_does_not_exist():
    with pytest.raises(UndefinedError):
        _environment().from_string("{{ nothing }}").render()


def test_the_librarys_components_stay_lenient_inside():
    text = _environment().from_string(
        '{% from "govuk_frontend_jinja/components/button/macro.html" import govukButton %}'
        '{{ govukButton({"text": "<Go>"}) }}'
    )
    assert "&lt;Go&gt;" in text.render()


def test_text_is_escaped_also_inside_a_translation():
    template = _environment().from_string('{{ _("%(label)s (optional)", label=label) }}')
    with translation.override("zh-hant"):
        assert template.render(label="<b>") == "&lt;b&gt;（選填）"
