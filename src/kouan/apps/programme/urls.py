"""Addresses of this app: the records', the joint work plan's, and those of the pages to look at."""

from __future__ import annotations

from kouan.apps.programme.look.urls import urlpatterns as look
from kouan.apps.programme.plan.urls import urlpatterns as plan
from kouan.apps.programme.records.urls import urlpatterns as records

app_name = "programme"
urlpatterns = [*records, *plan, *look]
