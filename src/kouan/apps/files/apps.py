from __future__ import annotations

from django.apps import AppConfig


class FilesConfig(AppConfig):
    """Files from one side to the other."""

    name = "kouan.apps.files"
    label = "files"
