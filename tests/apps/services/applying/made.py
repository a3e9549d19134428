"""A service of Guangdong as the tests need it, with a question of each kind; each part can be another one."""

from __future__ import annotations

import copy

from kouan.apps.services.definition.model import parse


def text(en, hant=None, hans=None):
    return {"en": en, "zh_hant": hant or "問：" + en, "zh_hans": hans or "问：" + en}


def ask(title, element, **more):
    return {"type": "string", "x-title": text(title), "x-element": element} | more


FORM = {
    "type": "object",
    "required": ["about", "vehicle"],
    "properties": {
        "about": {
            "type": "object",
            "x-title": text("About you"),
            "required": ["name", "born"],
            "properties": {
                "name": ask("Your name", "person.name", maxLength=60, **{"x-prefill": "person.name"}),
                "born": ask(
                    "Date of birth", "person.birthdate", format="date",
                    **{"x-prefill": "evidence.identity.birthdate"},
                ),
                "email": ask("E-mail address", "person.contact", format="email"),
            },
        },
        "vehicle": {
            "type": "boolean", "x-title": text("Do you drive across?"), "x-element": "person.vehicle",
        },
        "drivers": {
            "type": "array",
            "x-title": text("Driver"),
            "maxItems": 3,
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": ask("Name of the driver", "person.name")},
            },
        },
        "photo": ask("Photograph", "person.file", format="attachment", **{"x-media": ["image/png"]}),
    },
    "if": {"properties": {"vehicle": {"const": True}}, "required": ["vehicle"]},
    "then": {
        "required": ["plate"],
        "properties": {
            "plate": ask("Number plate", "person.vehicle", maxLength=8, pattern="^[A-Z]{2}[0-9]{1,4}$")
        },
    },
}  # fmt: skip
ANSWERS = {"about": {"name": "CHAN Siu Ming", "born": "1990-02-03"}, "vehicle": True, "plate": "AB1234"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40) + b"IEND\xaeB`\x82"
PDF = b"%PDF-1.7\n" + b"x" * 200 + b"\n%%EOF\n"


def definition(**changes):
    value = {
        "schema": "kouan-service/1",
        "side": "gd",
        "service": "northbound-permit",
        "version": 1,
        "demonstration": True,
        "title": text("Permit to drive across"),
        "summary": text("So that you may drive across."),
        "who": text("Residents who drive."),
        "bring": text("Your identity."),
        "ends": text("A permit."),
        "legal": text("Law on roads, article 1"),
        "category": "property-and-vehicle",
        "audiences": ["resident"],
        "department": {"code": "transport", "name": text("Department of Transport")},
        "homes": ["hk"],
        "level": 2,
        "time_limit": {"working_days": 10},
        "acts_for": ["self", "person"],
        "needs": [
            {
                "requirement": "identity",
                "title": text("Proof of identity"),
                "why": text("So that the department knows who you are."),
                "claims": ["name", "birthdate", "name_zh"],
                "optional": ["name_zh"],
            },
            {
                "requirement": "representation",
                "title": text("Proof that you may act"),
                "why": text("So that the department knows that you may act for another."),
                "claims": ["name"],
            },
        ],
        "form": copy.deepcopy(FORM),
        "result": {
            "kind": "permit",
            "title": text("Permit"),
            "claims": [{"name": "name", "title": text("Name"), "source": "answers.about.name"}],
        },
    } | changes
    return parse(value)
