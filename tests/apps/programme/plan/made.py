"""Plans and minutes that the tests sign, and Guangdong's node as the tests play it."""

from __future__ import annotations

import copy
import time
import uuid

import rfc8785

from apps.dataflow.guangdong import Guangdong as Base
from kouan.apps.programme.plan.domain import made_of, plan_number
from kouan.apps.programme.plan.negotiating import SIGNATURE
from kouan.core import cbor
from kouan.core.trust import cose

OFFICER = "CHEUNG Mei Ling, Digital Office"
YEAR = 2026
CLAUSES = {
    "programme.proposal": "9.1",
    "programme.answer": "9.1",
    "programme.withdrawal": "9.1",
    "programme.meeting": "9.2",
    "programme.delegation": "9.2",
    "programme.paper": "9.2",
    "programme.report": "9.3",
}


def words(en, hant=None, hans=None):
    return {"en": en, "zh_hant": hant or f"{en}（繁）", "zh_hans": hans or f"{en}（简）"}


def measure(id_="services", **changes):
    return {
        "id": id_, "title": words("Services on line", "已上線服務", "已上线服务"),
        "unit": words("services", "項", "项"), "baseline": "10", "target": "30",
        "reported_by": ["gd", "hk"], "combined": "sum", "feed": "",
    } | changes  # fmt: skip


def item(id_="public-services", **changes):
    return {
        "id": id_,
        "title": words("Cross-boundary public services", "跨境公共服務", "跨境公共服务"),
        "deliverable": words("Thirty services on line.", "三十項服務上線。", "三十项服务上线。"),
        "owners": [
            {"side": "gd", "department": words("Government Data", "政數局", "政数局")},
            {"side": "hk", "department": words("Digital Office", "數字辦", "数字办")},
        ],
        "milestones": [{"id": "half", "title": words("Half of them", "過半", "过半"), "due": "2026-09-30"}],
        "measures": [measure()],
    } | changes  # fmt: skip


def plan(*, author="hk", version=1, replaces=None, year=YEAR, **changes):
    return {
        "schema": "kouan-plan/1", "plan": str(plan_number(["hk", "gd"], year)), "year": year,
        "first_day": f"{year}-04-01", "last_day": f"{year + 1}-03-31", "version": version,
        "replaces": replaces, "sides": ["gd", "hk"], "author": author,
        "areas": [
            {"id": "smart-city", "title": words("Smart city", "智慧城市", "智慧城市"), "items": [item()]},
        ],
    } | copy.deepcopy(changes)  # fmt: skip


def minutes(meeting, *, author="hk", version=1, replaces=None, **changes):
    return {
        "schema": "kouan-minutes/1", "meeting": str(meeting), "version": version, "replaces": replaces,
        "sides": ["gd", "hk"], "author": author, "title": words("Plenary meeting", "全體會議", "全体会议"),
        "held_on": "2026-10-09", "place": words("Hong Kong", "香港", "香港"), "mode": "in-person",
        "present": [{"side": "hk", "name": "CHEUNG Mei Ling", "office": words("Director")}],
        "points": [{"id": "progress", "title": words("Progress"), "said": words("Reviewed.")}],
        "actions": [],
    } | copy.deepcopy(changes)  # fmt: skip


def drafted(value):
    """What a draft keeps of a text."""
    return {k: v for k, v in value.items() if k not in {"version", "replaces", "sides", "author"}}


class Guangdong(Base):
    def draft(self, type_, payload, *, conversation):
        agreement = self.peer.agreement
        basis = [agreement.id, agreement.digest, CLAUSES[type_]]
        return self.peer.say(payload, type_=type_, basis=basis, conv=conversation.bytes)

    def statement(self, digest, *, side="gd", signer=None, at=None):
        content = {
            "digest": digest, "side": side, "officer": "WANG Fang, Director",
            "at": time.time_ns() // 1_000_000 if at is None else at,
        }  # fmt: skip
        return cose.sign1(cbor.encode(content), signer or self.peer.signer(), content_type=SIGNATURE)

    def proposal(self, value, *, answers=b"", **changes):
        """What we send to propose a text."""
        text = made_of(value)
        payload = {
            "text": text.canonical(), "statement": self.statement(text.digest()), "answers": answers,
            "paper": b"",
        } | changes  # fmt: skip
        return self.draft("programme.proposal", payload, conversation=text.subject)

    def propose(self, value, *, answers=b"", **changes):
        (ended,) = self.post(self.proposal(value, answers=answers, **changes))
        return ended

    def answer(self, digest, subject, outcome="accepted", *, reason="", **changes):
        payload = {
            "digest": digest, "outcome": outcome,
            "statement": self.statement(digest) if outcome == "accepted" else b"", "reason": reason,
            "paper": b"",
        } | changes  # fmt: skip
        return self.say("programme.answer", payload, conversation=subject)

    def withdraw(self, digest, subject):
        return self.say("programme.withdrawal", {"digest": digest, "reason": "changed"}, conversation=subject)

    def report(self, subject, **changes):
        payload = {
            "report": uuid.uuid4().bytes, "plan": subject.bytes, "item": "public-services",
            "about": "measure", "part": "services", "value": "12", "day": "2026-06-30",
            "source": "monthly return", "by_node": False, "note": None,
        } | changes  # fmt: skip
        return self.say("programme.report", payload, conversation=subject)


def not_canonical(value):
    return rfc8785.dumps(value) + b" "
