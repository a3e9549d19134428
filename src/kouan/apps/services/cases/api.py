"""Cases in the JSON API, for a department's own system: by its token, or by the session of a caseworker."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 - read by the framework at run time
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID  # noqa: TC003 - as above

from annotated_types import Ge, Le, MaxLen
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse  # noqa: TC002 - read by the framework at run time
from django.utils.translation import get_language
from ninja import Router, Schema
from ninja.security import HttpBearer, SessionAuth
from pydantic import ConfigDict, Field

from kouan.apps.services.cases import (
    access,
    attachments,
    granting,
    issued,
    labels,
    proving,
    queries,
    tokens,
    working,
)
from kouan.apps.services.cases.errors import NotACaseworker, UnknownCaseFile, WordsNeeded
from kouan.web.access import has_role
from kouan.web.pages import download

if TYPE_CHECKING:
    from kouan.apps.services.models import Case


class CaseworkerSession(SessionAuth):
    """A signed-in caseworker, by the portal's session; changes need the portal's CSRF token."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any | None:  # noqa: ARG002 - the framework's signature
        """Return the account, or nothing when it does not hold the role."""
        return request.user if has_role(request.user, "caseworker") else None


class CaseToken(HttpBearer):
    """An access token of a department's own system, as ``kouan services token`` makes one."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Return the account as which it acts; raises ``BadCaseToken``."""
        return tokens.admit(request, token)


router = Router(tags=["Public services: cases"], auth=[CaseToken(), CaseworkerSession(csrf=True)])


class CaseLine(Schema):
    """One case of a list."""

    reference: str
    service: str
    title: str
    state: str
    officer: Annotated[str | None, Field(description="Whose work it is.")]
    home: Annotated[str, Field(description="The applicant's side.")]
    received_at: datetime
    due_on: date | None


class CasePage(Schema):
    """One page of a list, the most urgent first."""

    cases: list[CaseLine]
    page: int
    more: bool


class AnswerOut(Schema):
    """A question and its answer, in the language that `Accept-Language` asks for."""

    path: str
    title: str
    value: str


class EvidenceOut(Schema):
    """A piece of evidence, and what a check of it found."""

    requirement: str
    type: str
    verdict: str
    remarks: Annotated[list[str], Field(description="What is wrong with it although it counts.")]
    issuer: str
    claims: dict[str, str]
    checked_at: datetime


class CaseFileOut(Schema):
    """A file beside a case."""

    key: Annotated[UUID, Field(description="What `/cases/{reference}/files/{key}` hands it out by.")]
    place: Annotated[
        str, Field(description="The question or requirement that it answers: `answers.…` or `needs.…`.")
    ]
    name: str
    media_type: str
    size: Annotated[int, Field(description="In bytes.")]
    sha256: Annotated[str, Field(description="In hexadecimal.")]
    fault: Annotated[
        str | None, Field(description="Why it is not handed out: its bytes are not what it says it is.")
    ]


class EventOut(Schema):
    """One line of the audit trail."""

    kind: str
    at: datetime
    who: str
    words: str
    internal: Annotated[bool, Field(description="Whether it stays in the department.")]


class CaseOut(CaseLine):
    """A case, whole."""

    changed: Annotated[int, Field(description="How often it has changed: what an action has to name.")]
    actions: Annotated[list[str], Field(description="What may be done to it now.")]
    answers: list[AnswerOut]
    evidence: list[EvidenceOut]
    files: list[CaseFileOut]
    events: list[EventOut]
    restricted_at: Annotated[
        datetime | None,
        Field(description="When the applicant withdrew their consent: what they sent is shown no more."),
    ]
    erased_at: Annotated[
        datetime | None,
        Field(description="When what it held of the person was erased, as its term was over."),
    ]


class CaseAction(Schema):
    """What is done to a case."""

    model_config = ConfigDict(extra="forbid")
    action: Literal[
        "take-up", "assign", "ask-correction", "ask-payment", "grant", "refuse", "reopen", "uphold", "revoke",
        "message", "note",
    ]  # fmt: skip
    changed: Annotated[int, Ge(0), Field(description="From the case as you saw it.")]
    words: Annotated[str, MaxLen(working.MAX_WORDS)] = ""
    ask: Annotated[
        list[Annotated[str, MaxLen(120)]],
        MaxLen(40),
        Field(description="For `ask-correction`: places such as `answers.address` or `needs.residence`."),
    ] = []
    due_on: Annotated[
        date | None, Field(description="For `ask-correction`: by when; else as the service says.")
    ] = None
    to: Annotated[
        str, MaxLen(150), Field(description="For `assign`: the account of a caseworker of the department.")
    ] = ""
    given: Annotated[
        dict[str, Annotated[str, MaxLen(500)]],
        MaxLen(40),
        Field(description="For `grant`: the lines of the result that the department fills in."),
    ] = {}


@router.get("/cases", response=CasePage, url_name="cases", summary="The cases of the caller's departments")
def list_cases(  # noqa: PLR0913, PLR0917 - one parameter of the query each
    request: HttpRequest,
    show: queries.Show = "office",
    whose: queries.Whose = "anyone",
    service: Annotated[str, MaxLen(64)] = "",
    overdue: bool = False,  # noqa: FBT001, FBT002 - a parameter of the address
    page: Annotated[int, Ge(1), Le(queries.MOST_PAGES)] = 1,
) -> dict[str, Any]:
    """Return 25 cases, the most urgent first."""
    user = request.user
    found = queries.worklist(
        user,  # type: ignore[arg-type] # who is not signed in does not come here
        queries.Filter(show=show, whose=whose, service=service, overdue=overdue, page=page),
    )
    return {
        "cases": [
            {
                "reference": row.reference,
                "service": row.service,
                "title": str(row.title),
                "state": row.state,
                "officer": row.officer or None,
                "home": row.home,
                "received_at": row.received_at,
                "due_on": row.due_on,
            }
            for row in found.rows
        ],
        "page": found.page,
        "more": found.more,
    }


@router.get("/cases/{reference}", response=CaseOut, url_name="case")
def get_case(request: HttpRequest, reference: str) -> dict[str, Any]:
    """Return a case. That it was read is recorded, and the applicant is told."""
    case = access.case_of(request.user, reference)
    working.read(case=case, officer=request.user)  # type: ignore[arg-type] # as above
    if not case.closed:
        proving.look_again(case)
    return _case(case)


_PDF: Final = "application/pdf"


def _bytes(description: str, *media_types: str) -> dict[str, Any]:
    content = {each: {"schema": {"type": "string", "format": "binary"}} for each in media_types}
    return {"responses": {200: {"description": description, "content": content}}}


@router.get(
    "/cases/{reference}/files/{key}",
    url_name="file-of-case",
    openapi_extra=_bytes("The file", *attachments.TYPES),
)
def get_file_of_case(request: HttpRequest, reference: str, key: UUID) -> HttpResponse:
    """Return a file of a case as it was attached; this too is a reading of which the applicant is told.

    409 for one that is not what it says it is, 403 once the applicant has withdrawn their consent.
    """
    case = access.case_of(request.user, reference)
    row = case.files.filter(key=key).first()
    if row is None:
        raise UnknownCaseFile
    data = attachments.opened(row)
    working.read(case=case, officer=request.user)  # type: ignore[arg-type] # as above
    return download(data, name=row.name, content_type=row.media_type)


@router.get("/cases/{reference}/result", url_name="result-of-case", openapi_extra=_bytes("The PDF", _PDF))
def get_result_of_case(request: HttpRequest, reference: str) -> HttpResponse:
    """Return the signed result of a case, which is a reading too; 409 where there is none."""
    case = access.case_of(request.user, reference)
    data = issued.pdf(case)
    working.read(case=case, officer=request.user)  # type: ignore[arg-type] # as above
    return download(data, name=f"{case.reference}.pdf", content_type=_PDF)


@router.post("/cases/{reference}/actions", response=CaseOut, url_name="act-on-case")
def act_on_case(request: HttpRequest, reference: str, wanted: CaseAction) -> dict[str, Any]:
    """Do something to a case; 409 if it has changed since, and what changed it is in `detail`.

    The answer is the case, so this too is a reading of which the applicant is told.
    """
    case = access.case_of(request.user, reference)
    working.read(case=case, officer=request.user)  # type: ignore[arg-type] # as above
    same: dict[str, Any] = {"case": case, "officer": request.user, "changed": wanted.changed}
    match wanted.action:
        case "take-up":
            working.take_up(**same)
        case "assign":
            to = User.objects.filter(username=wanted.to).first()
            if to is None:
                raise NotACaseworker(officer=wanted.to or "–")
            working.assign(**same, to=to)
        case "ask-correction":
            working.ask_correction(**same, ask=wanted.ask, words=wanted.words, due_on=wanted.due_on)
        case "ask-payment":
            working.ask_payment(**same, words=wanted.words)
        case "grant":
            granting.grant(**same, given=wanted.given, words=wanted.words)
        case _:
            if not wanted.words.strip():
                raise WordsNeeded
            called = {
                "refuse": working.refuse,
                "reopen": working.reopen,
                "uphold": working.uphold,
                "revoke": granting.revoke,
                "message": working.message,
                "note": working.note,
            }
            called[wanted.action](**same, words=wanted.words)
    return _case(access.case_of(request.user, reference))


def _files(case: Case) -> list[dict[str, Any]]:
    rows = [] if case.closed else case.files.defer("content").order_by("pk")
    return [
        {
            "key": row.key,
            "place": row.place,
            "name": row.name,
            "media_type": row.media_type,
            "size": row.size,
            "sha256": bytes(row.sha256).hex(),
            "fault": row.fault or None,
        }
        for row in rows
    ]


def _actions(shown: queries.Shown) -> list[str]:
    always = ["assign", "message", "note"]
    counts = shown.result is not None and shown.result.revoked_at is None
    return [*(action.value for action in shown.actions), *always, *(["revoke"] if counts else [])]


def _case(case: Case) -> dict[str, Any]:
    shown = queries.shown(case, get_language() or "en")
    return {
        "reference": case.reference,
        "service": case.service,
        "title": str(shown.definition.title.text),
        "state": case.state,
        "officer": case.officer.get_username() if case.officer else None,
        "home": case.home,
        "received_at": case.received_at,
        "due_on": case.due_on,
        "changed": case.changed,
        "restricted_at": case.restricted_at,
        "erased_at": case.erased_at,
        "actions": _actions(shown),
        "answers": [
            {"path": line.path, "title": str(line.title), "value": line.value}
            for passage in shown.passages
            for line in passage.lines
        ],
        "evidence": [
            {
                "requirement": each.requirement,
                "type": each.type,
                "verdict": each.verdict.value,
                "remarks": [labels.remark(remark, each.titles) for remark in each.remarks],
                "issuer": each.issuer,
                "claims": {str(name): value for name, value in each.claims},
                "checked_at": each.checked_at,
            }
            for each in shown.evidence
        ],
        "files": _files(case),
        "events": [
            {
                "kind": each.kind,
                "at": each.at,
                "who": each.who,
                "words": each.words,
                "internal": each.internal,
            }
            for each in shown.story
        ],
    }
