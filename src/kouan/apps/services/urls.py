"""Addresses of this app: the catalogue's, an applicant's, a caseworker's."""

from __future__ import annotations

from kouan.apps.services.applying.urls import urlpatterns as applying
from kouan.apps.services.cases.urls import urlpatterns as cases
from kouan.apps.services.catalogue.urls import urlpatterns as catalogue

app_name = "services"
urlpatterns = [*catalogue, *applying, *cases]
