"""Every address of the portal, app by app."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from kouan.api import api, not_found

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("api/", not_found),
    path("api/<path:path>", not_found),
    path("", include("kouan.apps.identity.urls")),  # early: sign-ins come in crowds
    path("", include("kouan.web.urls")),
    path("", include("kouan.apps.validation.urls")),
    path("", include("kouan.apps.dataflow.urls")),
    path("", include("kouan.apps.evidence.urls")),
    path("", include("kouan.apps.services.urls")),
    path("", include("kouan.apps.programme.urls")),
    path("", include("kouan.apps.signing.urls")),
    path("", include("kouan.apps.operations.urls")),
    path("", include("kouan.apps.attached.urls")),
    path("", include("kouan.apps.staff.urls")),
]

handler400 = "kouan.web.errors.bad_request"
handler403 = "kouan.web.errors.forbidden"
handler404 = "kouan.web.errors.not_found"
handler500 = "kouan.web.errors.server_error"
