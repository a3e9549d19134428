"""Answers to programs are written as the framework writes them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from ninja.responses import NinjaJSONEncoder

from kouan.apps.validation.outputs import as_json

AT = datetime(2026, 3, 1, 23, 59, 59, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        AT,
        AT.replace(microsecond=0),
        AT.replace(microsecond=7),
        AT.astimezone(timezone(timedelta(hours=8))),
        date(2026, 3, 1),
        UUID(int=7),
        None,
        {"zh-hant": "香港"},
    ],
)
def test_a_value_is_written_as_the_framework_writes_it(value):
    answer = {"one": value, "many": [value]}
    assert as_json(answer).content.decode() == json.dumps(answer, cls=NinjaJSONEncoder)


def test_a_value_without_a_form_is_none_of_ours():
    with pytest.raises(TypeError, match="set has no form"):
        as_json({"one": {1}})
