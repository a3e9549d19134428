"""Addresses of this app, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kouan.apps.signing.lists.urls import urlpatterns as lists
from kouan.apps.signing.making.urls import urlpatterns as making
from kouan.apps.signing.validating.urls import urlpatterns as validating

if TYPE_CHECKING:
    from django.urls import URLPattern

app_name = "signing"
urlpatterns: list[URLPattern] = [*lists, *making, *validating]
