"""Addresses of this app's pages."""

from __future__ import annotations

from django.urls import path

from kouan.apps.validation import issuing, stats_views, views
from kouan.apps.validation.bulk import views as bulk

app_name = "validation"
urlpatterns = [
    path("validate", views.start, name="start"),
    path("validate/<uuid:key>", views.result, name="result"),
    path("validate/<uuid:key>/evidence.bundle", views.evidence, name="evidence"),
    path("documents", issuing.documents, name="documents"),
    path("documents/register", issuing.register, name="register"),
    path("documents/statistics", stats_views.show, name="statistics"),
    path("documents/bulk", bulk.files, name="bulk"),
    path("documents/bulk/<uuid:key>", bulk.job, name="job"),
    path("documents/bulk/<uuid:key>/problems.csv", bulk.problems, name="job-problems"),
    path("documents/<str:reference>", issuing.document, name="document"),
    path("documents/<str:reference>/carried", issuing.carried, name="carried"),
    path("documents/<str:reference>/revoke", issuing.revoke, name="revoke"),
]
