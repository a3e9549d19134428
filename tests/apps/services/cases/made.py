"""A service of Hong Kong's, and what a resident of Guangdong sends for it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import uuid
from datetime import UTC, datetime

import rfc8785
from django.utils import timezone
from pyhanko.pdf_utils.reader import PdfFileReader

from kouan.apps.services.definition.model import parse
from kouan.apps.services.models import ServiceVersion
from kouan.apps.services.payloads import ApplicantActed, ApplicationSubmitted, Attachment, Cosigner, Evidence
from kouan.core.credentials import Checked, Verdict
from kouan.core.exchange import Received
from kouan.core.exchange.blobs import folder, stream
from kouan.core.exchange.blobs.models import ReceivedBlob
from kouan.core.exchange.blobs.reference import Blob
from kouan.core.exchange.crossing import Basis
from kouan.core.text import Localised

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20 + b"IEND\xaeB`\x82"


def three(en, hant, hans):
    return {"en": en, "zh_hant": hant, "zh_hans": hans}


def question(en, hant, hans, element, **more):
    return {"type": "string", "x-title": three(en, hant, hans), "x-element": element} | more


FORM = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["plate", "purpose", "copies"],
    "properties": {
        "plate": question(
            "Registration mark", "車輛登記號碼", "车辆登记号码", "person.vehicle",
            pattern="^[A-Z0-9 ]{2,10}$",
            **{"x-error": three("Such as AB 1234.", "例如 AB 1234。", "例如 AB 1234。")},
        ),
        "purpose": {
            "type": "string",
            "x-title": three("What the copy is for", "副本用途", "副本用途"),
            "x-element": "person.vehicle",
            "oneOf": [
                {"const": "sale", "x-title": three("Selling the vehicle", "出售車輛", "出售车辆")},
                {"const": "court", "x-title": three("Court proceedings", "法庭程序", "法庭程序")},
            ],
        },
        "copies": {
            "type": "integer", "minimum": 1, "maximum": 5, "x-element": "person.vehicle",
            "x-title": three("How many copies", "副本數目", "副本数目"),
        },
        "paper": question(
            "Order of the court", "法庭命令", "法庭命令", "person.file",
            format="attachment", **{"x-media": ["application/pdf"]},
        ),
    },
}  # fmt: skip
ANSWERS = {"plate": "AB 1234", "purpose": "sale", "copies": 2}
KINDS = ["person.residence-status", "person.vehicle"]
BASE = {
    "schema": "kouan-service/1",
    "side": "hk",
    "service": "vehicle-record",
    "version": 1,
    "demonstration": True,
    "title": three("Certified copy of a vehicle record", "車輛登記細節證明書", "车辆登记细节证明书"),
    "summary": three("A certified copy.", "一份證明書。", "一份证明书。"),
    "who": three("Owners.", "車主。", "车主。"),
    "bring": three("The registration mark.", "車輛登記號碼。", "车辆登记号码。"),
    "ends": three("A signed paper.", "一份已簽署的文件。", "一份已签署的文件。"),
    "legal": three("Cap. 374E", "第374E章", "第374E章"),
    "category": "property-and-vehicle",
    "audiences": ["resident"],
    "department": {"code": "transport", "name": three("Transport Department", "運輸署", "运输署")},
    "homes": ["gd"],
    "level": 2,
    "time_limit": {"working_days": 5},
    "needs": [
        {
            "requirement": "residence",
            "title": three("Proof of residence", "居住證明", "居住证明"),
            "why": three("To know where you live.", "以核實住址。", "以核实住址。"),
            "claims": ["name", "city"],
            "optional": ["city"],
            "level": 2,
            "max_age_days": 365,
        },
        {
            "requirement": "vehicle-licence",
            "title": three("Vehicle licence", "車輛牌照", "车辆牌照"),
            "why": three("To find it sooner.", "以便查找。", "以便查找。"),
            "claims": ["plate"],
            "needed": False,
        },
        {
            "requirement": "representation",
            "title": three("Authority to act", "授權書", "授权书"),
            "why": three("To act for another.", "以代他人辦理。", "以代他人办理。"),
            "claims": ["for"],
            "needed": False,
        },
    ],
    "acts_for": ["self", "person"],
    "cosigners": {"least": 0, "most": 1},
    "form": FORM,
    "result": {
        "kind": "vehicle-record",
        "title": three("Certified vehicle record", "車輛登記證明書", "车辆登记证明书"),
        "claims": [
            {
                "name": "plate", "source": "answers.plate",
                "title": three("Registration mark", "車輛登記號碼", "车辆登记号码"),
            },
            {"name": "purpose", "title": three("For", "用途", "用途"), "source": "answers.purpose"},
            {"name": "case", "title": three("Case", "個案", "案件"), "source": "case.reference"},
            {"name": "make", "title": three("Make", "廠名", "厂名"), "source": "officer.make"},
        ],
        "valid_days": 90,
    },
}  # fmt: skip
FEE = {"amount": "45.00", "currency": "HKD"}


def published(state="published", **changes):
    """A version of the service, as the catalogue keeps it."""
    definition = parse(BASE | changes)
    ServiceVersion.objects.create(
        side=definition.side,
        service=definition.service,
        version=definition.version,
        digest=definition.digest(),
        body=definition.canonical(),
        state=state,
        department=definition.department.code,
        category=definition.category,
        audiences=" resident ",
        events="",
        drafted_at=timezone.now(),
        published_at=timezone.now(),
        ended_at=None if state in {"published", "draft"} else timezone.now(),
    )
    return definition


def presentation(requirement="residence", verdict=Verdict.GOOD, **found):
    """Evidence whose text tells ``PlayedBroker`` what a check of it finds."""
    text = json.dumps({"verdict": verdict.value} | found)
    return Evidence(requirement=requirement, type=f"gd.{requirement}", text=text)


class PlayedBroker:
    """Stands for the app that keeps credentials: a presentation says itself what a check finds."""

    def __init__(self):
        self.issued, self.revoked = [], []
        self.asked = []
        self.now = {}
        """What a check finds from now on, by requirement, whatever a presentation says."""

    def check(self, text, *, sender, matter, now, requirement):  # noqa: ARG002 - as the protocol has it
        said = json.loads(text)
        self.asked.append(requirement)
        verdict = self.now.get(requirement, Verdict(said["verdict"]))
        claims = said.get("claims", {"name": "WANG Fang", "city": "Shenzhen"})
        good = verdict is Verdict.GOOD
        return Checked(
            verdict=verdict,
            type="gd.residence",
            issuer=f"{sender}:public-security",
            claims=claims if good else {},
            titles={name: Localised(name.title(), "姓名", "姓名") for name in claims} if good else {},
            issued_at=datetime.fromisoformat(said.get("issued_at", now.isoformat())) if good else None,
            expires_at=None,
            level=said.get("level", 3),
            title=Localised("Residence permit", "居住證", "居住证"),
            department=Localised("Public Security", "公安", "公安"),
            announced=said.get("announced", True),
            elements=None if said.get("elements") is None else frozenset(said["elements"]),
        )

    def issue(self, *, type_, department, claims, registered=None, **_more):
        """A compact JWT whose signature nobody checks here: what matters is what it says."""

        def part(value):
            data = value if isinstance(value, bytes) else rfc8785.dumps(value)
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

        said = {"vct": type_, **claims} | ({"kouan": dict(registered)} if registered else {})
        signature = hashlib.sha512(rfc8785.dumps(said)).digest()
        text = f"{part({'alg': 'ES256'})}.{part(said)}.{part(signature)}~"
        self.issued.append((text, department, dict(claims)))
        return text

    def revoke(self, text):
        self.revoked.append(text)


def arrived(content, *, message_id, media_type="application/pdf"):
    """A file beside a message, as the exchange leaves it when it is here."""
    key = stream.new_key()
    blob = Blob(
        id=uuid.uuid4().bytes, sha256=hashlib.sha256(content).digest(), size=len(content),
        media_type=media_type, kid=bytes(16), key=bytes(80),
    )  # fmt: skip
    now = timezone.now()
    row = ReceivedBlob.objects.create(
        peer="gd", message_id=message_id, blob_id=uuid.UUID(bytes=blob.id), file=uuid.uuid4(),
        type="services.application", size=len(content), sealed_size=stream.sealed_size(len(content)),
        sha256=blob.sha256, key=key, chunks=1, state="here", next_attempt_at=now, until=now, created_at=now,
    )  # fmt: skip
    with folder.create(folder.incoming(row.file)) as target:
        target.write(stream.Chunks(key).seal(0, content, last=True))
    return blob


class Sent:
    """An application on its way: change what is to be wrong with it."""

    def __init__(self, definition, receipt, **changes):
        self.key = uuid.uuid4()
        self.id = uuid.uuid4()
        self.sender = "gd"
        self.consent = str(self.key)
        answers = changes.pop("answers", ANSWERS)
        now = int(timezone.now().timestamp())
        values = {
            "application": self.key.bytes,
            "service": definition.service,
            "version": definition.version,
            "digest": definition.digest(),
            "subject": "a" * 43,
            "level": 2,
            "language": "zh-hans",
            "acts_for": "self",
            "answers": answers if isinstance(answers, bytes) else rfc8785.dumps(answers),
            "kinds": KINDS,
            "evidence": [presentation()],
            "attachments": [],
            "cosigners": [],
            "at": now,
        } | changes
        self.values = values
        self.receipt = receipt

    def attach(self, place, content=PDF, name="paper.pdf", media_type="application/pdf"):
        blob = arrived(content, message_id=self.id, media_type=media_type)
        self.values["attachments"] = [
            *self.values["attachments"], Attachment(place=place, name=name, file=blob),
        ]  # fmt: skip
        return blob

    def message(self, **basis):
        consent = basis.get("consent", self.consent)
        values = dict(self.values)
        values.setdefault("consent", self.receipt(self, values))
        payload = ApplicationSubmitted(**values)
        rests = Basis("demonstration-public-services", bytes(32), consent)
        return Received(
            self.id, self.sender, basis.get("conversation", self.key), timezone.now(), payload, rests
        )


def word(  # noqa: PLR0913 - all that it may say
    case, action, *, words="", id_=None, sender="gd", consent=None, at=None, receipt=b"", **more
):
    """What an applicant does after that."""
    values = {
        "application": case.key.bytes, "action": action, "answers": b"", "words": words, "kinds": [],
        "evidence": [], "attachments": [], "consent": receipt, "level": 2,
        "at": int((at or timezone.now()).timestamp()),
    } | more  # fmt: skip
    rests = Basis("demonstration-public-services", bytes(32), consent or str(case.key))
    return Received(
        id_ or uuid.uuid4(), sender, case.key, at or timezone.now(), ApplicantActed(**values), rests
    )


def cosigner(subject="b", level=2):
    return Cosigner(
        subject=subject * 43, name="LI Wei", level=level, at=int(datetime.now(tz=UTC).timestamp())
    )


def opened_pdf(data):
    return PdfFileReader(io.BytesIO(data))
