"""Addresses of the operator's pages and of the public catalogue."""

from __future__ import annotations

from django.urls import path

from kouan.apps.operations import evidence_views, incident_views, key_pages, views

app_name = "operations"
urlpatterns = [
    path("operations/", views.overview, name="overview"),
    path("operations/channels/", views.channels, name="channels"),
    path("operations/crossings/", views.crossings, name="crossings"),
    path("operations/crossings.csv", views.crossings_csv, name="crossings-csv"),
    path("operations/crossings/<uuid:message_id>/", views.crossing, name="crossing"),
    path("operations/crossings/<uuid:message_id>/evidence", views.evidence, name="evidence"),
    path("operations/crossings/<uuid:message_id>/retry", views.retry, name="retry"),
    path("operations/crossings/<uuid:message_id>/cancel", views.cancel, name="cancel"),
    path("operations/waiting/", views.waiting, name="waiting"),
    path("operations/files/", views.files, name="files"),
    path("operations/dead-letters/", views.dead_letters, name="dead-letters"),
    path("operations/incidents/", incident_views.incidents, name="incidents"),
    path(
        "operations/incidents/<int:number>/evidence",
        incident_views.incident_evidence,
        name="incident-evidence",
    ),
    path("operations/incidents/<int:number>/settle", incident_views.incident_settle, name="incident-settle"),
    path("operations/ledger/", views.ledger, name="ledger"),
    path("operations/keys/", key_pages.keys, name="keys"),
    path("operations/keys/<str:kid>/", key_pages.compromised, name="compromised"),
    path("operations/alarms/", views.alarms, name="alarms"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("operations/comparisons/", views.comparisons, name="comparisons"),
    path("operations/comparisons/<uuid:run>/", views.comparison, name="comparison"),
    path("catalogue/", views.catalogue, name="catalogue"),
    path("agreements/", views.agreements, name="agreements"),
    path("check-evidence", evidence_views.evidence_check, name="evidence-check"),
]
