"""Addresses of the joint work plan: everybody's, then those of its officers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.urls import path

from kouan.apps.programme.plan.views import drafts, meetings, minutes, office, public

if TYPE_CHECKING:
    from django.urls import URLPattern

_PLAN: Final = "programme/plan/<slug:peer>/<int:year>/"
_OFFICE: Final = "programme/office/"
_DRAFT: Final = f"{_OFFICE}drafts/<uuid:key>/"
_MEETING: Final = f"{_OFFICE}meetings/<uuid:key>/"

urlpatterns: list[URLPattern] = [
    path("programme/plan/", public.plans, name="plans"),
    path("programme/plan/meetings.ics", public.meetings_ics, name="plan-meetings-ics"),
    path(_PLAN, public.board, name="plan-board"),
    path(f"{_PLAN}items/<slug:item>/", public.item, name="plan-item"),
    path(f"{_PLAN}review/", public.annual_review, name="plan-review"),
    path(f"{_PLAN}review.pdf", public.review_pdf, name="plan-review-pdf"),
    path(f"{_PLAN}plan.pdf", public.plan_pdf, name="plan-pdf"),
    path(f"{_PLAN}plan.json", public.plan_json, name="plan-json"),
    path(f"{_PLAN}plan.jsonld", public.plan_jsonld, name="plan-jsonld"),
    path(f"{_PLAN}plan.csv", public.plan_csv, name="plan-csv"),
    path(f"{_PLAN}plan.ics", public.plan_ics, name="plan-ics"),
    path(f"{_PLAN}items/<slug:item>/report/<slug:about>/", office.report, name="plan-report"),
    path(
        f"{_PLAN}items/<slug:item>/report/<slug:about>/<slug:part>/", office.report, name="plan-report-part"
    ),
    path(_OFFICE, office.office, name="plan-office"),
    path(f"{_OFFICE}begin", office.begin, name="plan-begin"),
    path(f"{_OFFICE}versions/<slug:key>/", office.version, name="plan-version"),
    path(f"{_OFFICE}versions/<slug:key>/text.pdf", office.version_pdf, name="plan-version-pdf"),
    path(f"{_OFFICE}versions/<slug:key>/text.json", office.version_json, name="plan-version-json"),
    path(f"{_OFFICE}versions/<slug:key>/draft", office.draft_from, name="plan-draft-from"),
    path(f"{_OFFICE}versions/<slug:key>/accept", office.accept, name="plan-accept"),
    path(f"{_OFFICE}versions/<slug:key>/refuse", office.refuse, name="plan-refuse"),
    path(f"{_OFFICE}versions/<slug:key>/withdraw", office.withdraw, name="plan-withdraw"),
    path(_DRAFT, drafts.draft, name="plan-draft"),
    path(f"{_DRAFT}term", drafts.term, name="plan-draft-term"),
    path(f"{_DRAFT}areas/new", drafts.area, name="plan-draft-area-new"),
    path(f"{_DRAFT}areas/<slug:area>", drafts.area, name="plan-draft-area"),
    path(f"{_DRAFT}areas/<slug:area>/items/new", drafts.item, name="plan-draft-item-new"),
    path(f"{_DRAFT}items/<slug:item>", drafts.item, name="plan-draft-item"),
    path(f"{_DRAFT}items/<slug:item>/milestones/new", drafts.milestone, name="plan-draft-milestone-new"),
    path(f"{_DRAFT}items/<slug:item>/milestones/<slug:part>", drafts.milestone, name="plan-draft-milestone"),
    path(f"{_DRAFT}items/<slug:item>/measures/new", drafts.measure, name="plan-draft-measure-new"),
    path(f"{_DRAFT}items/<slug:item>/measures/<slug:part>", drafts.measure, name="plan-draft-measure"),
    path(f"{_DRAFT}held", minutes.held, name="plan-draft-held"),
    path(f"{_DRAFT}points/new", minutes.point, name="plan-draft-point-new"),
    path(f"{_DRAFT}points/<slug:part>", minutes.point, name="plan-draft-point"),
    path(f"{_DRAFT}actions/new", minutes.action, name="plan-draft-action-new"),
    path(f"{_DRAFT}actions/<slug:part>", minutes.action, name="plan-draft-action"),
    path(f"{_DRAFT}remove", drafts.remove, name="plan-draft-remove"),
    path(f"{_DRAFT}file", drafts.file, name="plan-draft-file"),
    path(f"{_DRAFT}text.json", drafts.draft_json, name="plan-draft-json"),
    path(f"{_DRAFT}sign", drafts.sign, name="plan-draft-sign"),
    path(f"{_DRAFT}throw-away", drafts.throw_away, name="plan-draft-throw-away"),
    path(f"{_OFFICE}meetings/", meetings.listed, name="meetings-kept"),
    path(f"{_OFFICE}meetings/new", meetings.convene, name="meeting-convene"),
    path(_MEETING, meetings.meeting, name="meeting-kept"),
    path(f"{_MEETING}change", meetings.change, name="meeting-change"),
    path(f"{_MEETING}close/<slug:state>", meetings.close, name="meeting-close"),
    path(f"{_MEETING}delegation", meetings.delegation, name="meeting-delegation"),
    path(f"{_MEETING}papers/new", meetings.paper, name="meeting-paper-new"),
    path(f"{_MEETING}papers/<uuid:paper>", meetings.paper_file, name="meeting-paper"),
    path(f"{_MEETING}meeting.ics", meetings.ics, name="meeting-ics"),
    path(f"{_MEETING}minutes", meetings.minutes, name="meeting-minutes"),
]
