"""The portal and the API as a WSGI application (``kouan.node.portal`` runs it in threads)."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kouan.settings")
application = get_wsgi_application()
