"""Django's settings, all of them derived from the node's own configuration."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from kouan.config import load_from_environment
from kouan.core.database.choice import settings_of

NODE = load_from_environment()
PACKAGE = Path(__file__).resolve().parent

SECRET_KEY = NODE.secret_key
DEBUG = False
ALLOWED_HOSTS = [urlsplit(NODE.portal_origin).hostname or "", "127.0.0.1", "localhost"]
CSRF_TRUSTED_ORIGINS = [NODE.portal_origin]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "kouan.core.trust",
    "kouan.core.ledger",
    "kouan.core.exchange",
    "kouan.core.exchange.blobs",
    "kouan.web",
    "kouan.apps.files",
    "kouan.apps.validation",
    "kouan.apps.operations",
    "kouan.apps.staff",
    "kouan.apps.identity",
    "kouan.apps.dataflow",
    "kouan.apps.evidence",
    "kouan.apps.services",
    "kouan.apps.programme",
    "kouan.apps.signing",
    "kouan.apps.attached",  # last: what a side declares by itself must not take a name that the apps use
]

MIDDLEWARE = [
    "kouan.web.watching.WatchMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "kouan.web.middleware.SecurityHeadersMiddleware",
    "kouan.web.statics.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "kouan.web.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "kouan.apps.staff.middleware.SignInMiddleware",
    "kouan.web.middleware.PageMessagesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "kouan.web.middleware.KouanErrorMiddleware",
    "kouan.node.refusals.RefusalMiddleware",
]

ROOT_URLCONF = "kouan.urls"
WSGI_APPLICATION = "kouan.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "APP_DIRS": True,
        "OPTIONS": {"environment": "kouan.web.jinja.environment"},
    },
]


DATABASES = {
    "default": settings_of(
        NODE.database, home=NODE.home, environment=os.environ, application=f"kouan {NODE.side}"
    )
}
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "Asia/Hong_Kong"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hant", "繁體中文"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [PACKAGE / "core" / "locale"]
LANGUAGE_COOKIE_NAME = "kouan_language"
LANGUAGE_COOKIE_SAMESITE = "Lax"

# Only pages that ask for a file keep one, and say so: elsewhere a file in a form is read past.
FILE_UPLOAD_HANDLERS = ["kouan.web.forms.NoFiles"]

STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "kouan.web.statics.VersionedStorage"},
}
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_MAX_AGE = 300

LOGIN_URL = "staff:sign-in"
SIGN_OUT_URL = "staff:sign-out"
ACCOUNT_URL = "staff:mine"
LOGIN_REDIRECT_URL = "web:home"
CSRF_FAILURE_VIEW = "kouan.web.errors.csrf_failure"

SESSION_ENGINE = "kouan.web.sessions"
SESSION_COOKIE_NAME = f"kouan_{NODE.side}_session"
CSRF_COOKIE_NAME = f"kouan_{NODE.side}_csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = NODE.portal_origin.startswith("https://")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# E-mail to applicants: by the side's own server; a demonstration without one prints it.
MAIL_IS_SENT = bool(NODE.mail.host) or NODE.demonstration
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if NODE.mail.host
    else "django.core.mail.backends.console.EmailBackend"
)
EMAIL_HOST, EMAIL_PORT = NODE.mail.host, NODE.mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = NODE.mail.user, NODE.mail.password
EMAIL_USE_SSL, EMAIL_USE_TLS = NODE.mail.tls == "tls", NODE.mail.tls == "starttls"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = NODE.mail.sender or f"kouan@{urlsplit(NODE.portal_origin).hostname}"
