"""The Jinja2 environment of every page.

Our own templates are strict: a name that does not exist is an error, not an empty place. The
components of govuk-frontend-jinja are written for lenient undefined values, so they are compiled in
an overlay of the same environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
)
from jinja2 import Undefined as LenientUndefined

from kouan.core.sides import get_side
from kouan.web import filters
from kouan.web.navigation import footer_links, links_for, own_pages, sign_in_for, sign_out_for
from kouan.web.sidecolours import stylesheet_version

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_LIBRARY = "govuk_frontend_jinja"


class PageEnvironment(Environment):
    """Strict for our templates, lenient for the component library's."""

    library: Environment | None = None

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - Jinja's own parameter name
    ) -> Template:
        """Load a template, the library's in the lenient overlay."""
        if self.library is not None and isinstance(name, str) and name.startswith(_LIBRARY + "/"):
            return self.library.get_template(name, parent, globals)
        return super().get_template(name, parent, globals)


def environment(*, loader: BaseLoader, **options: Any) -> Environment:
    """Return the environment that Django's Jinja2 backend uses; ``loader`` knows the apps' templates."""
    options["undefined"] = StrictUndefined  # Django's backend proposes a lenient one
    components = PrefixLoader({_LIBRARY: PackageLoader(_LIBRARY)})
    env = PageEnvironment(
        loader=ChoiceLoader([components, loader]),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_callables(  # type: ignore[attr-defined] # added by the i18n extension
        translation.gettext,
        translation.ngettext,
        newstyle=True,
        pgettext=translation.pgettext,
        npgettext=translation.npgettext,
    )
    env.globals.update(page_globals())
    env.filters.update(filters.ALL)
    lenient = env.overlay(undefined=LenientUndefined)
    env.library = lenient
    return env


def page_globals() -> Mapping[str, Any]:
    """Return what every template may use without being given it."""
    return {
        "static": static,
        "url": _url,
        "navigation_links": links_for,
        "languages": LANGUAGES,
        "current_language": translation.get_language,
        "html_lang": html_lang,
        "side": get_side(settings.NODE.side),
        "get_side": get_side,
        "side_stylesheet": _side_stylesheet,
        "sign_in_url": lambda: reverse(settings.LOGIN_URL),
        "own_pages": own_pages,
        "sign_in_for": sign_in_for,
        "sign_out_for": sign_out_for,
        "sign_out_url": lambda: reverse(settings.SIGN_OUT_URL),
        "account_url": lambda: reverse(settings.ACCOUNT_URL),
        "footer_links": footer_links,
        "demonstration": settings.NODE.demonstration,
    }


LANGUAGES: tuple[tuple[str, str, str], ...] = (
    ("en", "en", "English"),
    ("zh-hant", "zh-Hant-HK", "繁體"),
    ("zh-hans", "zh-Hans-CN", "简体"),
)
"""Django's code, the tag for ``lang``, and the language's own name as the switch shows it."""


def html_lang() -> str:
    """Return the active language as a page's ``lang``, with its region for the fonts' right glyphs."""
    active = translation.get_language()
    return next((tag for code, tag, _ in LANGUAGES if code == active), "en")


def _url(name: str, /, *args: object, **kwargs: object) -> str:
    return reverse(name, args=args or None, kwargs=kwargs or None)


def _side_stylesheet() -> str:
    return f"{reverse('web:side-stylesheet')}?v={stylesheet_version()}"
