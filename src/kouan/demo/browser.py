"""A browser without scripts, for demonstrations: it keeps cookies, follows redirects, and sends forms."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_HOPS: Final = 30
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass
class Form:
    """A form of a page, with what is sent if nobody touches it."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)
    """Radio buttons and check boxes, by name."""
    buttons: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Where the browser is."""

    url: str
    status: int
    text: str
    forms: tuple[Form, ...]
    onward: str = ""
    """Where the page itself goes on to (``http-equiv=refresh``)."""
    heading: str = ""

    def form(self, *names: str) -> Form:
        """Return the form that has all these fields; raises ``LookupError``."""
        for each in self.forms:
            if set(names) <= {name for name, _ in each.fields} | each.choices.keys() | each.buttons.keys():
                return each
        raise LookupError(f"{self.url} shows no form with {', '.join(names)} (status {self.status})")


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of the browser, and where it was sent on to."""

    method: str
    url: str
    status: int
    location: str
    seconds: float
    """How long the answer took."""


class Browser:
    """One person at one screen."""

    def __init__(self, language: str = "en") -> None:
        self.hops: list[Hop] = []
        self._language = language
        self._cookies: dict[tuple[str, str], str] = {}

    def open(self, url: str, *, until: Callable[[str], bool] = lambda _: False) -> Page:
        """Go to an address and on, up to the first that ``until`` takes, which is not asked."""
        return self._follow("GET", url, b"", {}, until)

    def fetch(self, url: str) -> bytes:
        """Return what an address gives, byte for byte; raises ``LookupError`` unless it answers 200."""
        status, _, data = self._request("GET", url, b"", {})
        if status != http.HTTPStatus.OK:
            raise LookupError(f"{url} answers {status}")
        return data

    def send(
        self,
        page: Page,
        form: Form,
        *more: tuple[str, str],
        until: Callable[[str], bool] = lambda _: False,
    ) -> Page:
        """Send a form of a page with its fields and ``more``, and go on from there."""
        named = {name for name, _ in more}
        pairs = [pair for pair in form.fields if pair[0] not in named] + list(more)
        address = urljoin(page.url, form.action or page.url)
        if form.method == "get":
            return self._follow("GET", f"{address}?{urlencode(pairs)}", b"", {}, until)
        parts = urlsplit(page.url)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"{parts.scheme}://{parts.netloc}",
            "Referer": page.url,
        }
        return self._follow("POST", address, urlencode(pairs).encode(), headers, until)

    def _follow(
        self, method: str, url: str, body: bytes, headers: dict[str, str], until: Callable[[str], bool]
    ) -> Page:
        for _ in range(_MOST_HOPS):
            if until(url):
                return Page(url, 0, "", ())
            began = time.perf_counter()
            page, location = self._ask(method, url, body, headers)
            seconds = time.perf_counter() - began
            self.hops.append(Hop(method, url, page.status, location or page.onward, seconds))
            if not location and not page.onward:
                return page
            method, url, body, headers = "GET", urljoin(url, location or page.onward), b"", {}
        raise LookupError(f"redirected for ever: {url}")

    def _ask(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> tuple[Page, str]:
        status, told, data = self._request(method, url, body, headers)
        text, parser = data.decode("utf-8", "replace"), _Parser()
        if "html" in told.get("content-type", ""):
            parser.feed(text)
        location = told.get("location", "") if status in _REDIRECTS else ""
        return Page(url, status, text, tuple(parser.forms), parser.onward, parser.heading), location

    def _request(
        self, method: str, url: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        held = [f"{name}={value}" for (where, name), value in self._cookies.items() if where == host]
        sent = {"Accept-Language": self._language, "Cookie": "; ".join(held), **headers}
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPConnection(host, parts.port, timeout=30)
        try:
            connection.request(method, target, body, {name: value for name, value in sent.items() if value})
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        for value in answer.headers.get_all("Set-Cookie", []):
            self._keep(host, value)
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, data

    def _keep(self, host: str, header: str) -> None:
        try:
            found = SimpleCookie(header)
        except CookieError:
            return
        for name, morsel in found.items():
            if morsel.value and morsel["max-age"] != "0":
                self._cookies[host, name] = morsel.value
            else:
                self._cookies.pop((host, name), None)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.onward = self.heading = ""
        self._form: Form | None = None
        self._in_heading = False
        self._field: tuple[str, list[str]] | None = None
        """The text field that is open, and what is in it."""
        self._choice = ""
        """The list that is open."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_heading = self._in_heading or tag == "h1"
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.onward = given.get("content", "").partition("url=")[2].strip("'\" ")
        elif tag == "option" and self._choice and self._form is not None:
            self._option(self._form, given)
        elif self._form is not None and given.get("name"):
            self._control(self._form, tag, given)

    def handle_data(self, data: str) -> None:
        if self._field is not None:
            self._field[1].append(data)
        if self._in_heading:
            self.heading += data

    def handle_endtag(self, tag: str) -> None:
        self._in_heading = self._in_heading and tag != "h1"
        if tag == "textarea" and self._field is not None and self._form is not None:
            self._form.fields.append((self._field[0], "".join(self._field[1]).strip()))
            self._field = None
        elif tag == "select":
            self._choice = ""
        elif tag == "form":
            self._form = None

    def _option(self, form: Form, given: dict[str, str]) -> None:
        form.choices.setdefault(self._choice, []).append(given.get("value", ""))
        if "selected" in given:
            form.fields.append((self._choice, given.get("value", "")))

    def _control(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, value = given["name"], given.get("value", "")
        if tag == "button":
            form.buttons.setdefault(name, []).append(value)
        elif given.get("type") in {"radio", "checkbox"}:
            form.choices.setdefault(name, []).append(value or "on")
            if "checked" in given:
                form.fields.append((name, value or "on"))
        elif tag == "textarea":
            self._field = (name, [])
        elif tag == "select":
            self._choice = name
        elif tag == "input" and given.get("type") != "file":
            form.fields.append((name, value))
