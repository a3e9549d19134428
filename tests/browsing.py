"""A browser without scripts: it keeps cookies, follows redirects, and sends the forms that pages show."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Form:
    """A form, as a page shows it."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    """What is sent if nobody touches it: hidden fields, and choices that are made already."""
    choices: dict[str, list[str]] = field(default_factory=dict)
    """Radio buttons and check boxes by name."""
    buttons: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    """Where a browser is."""

    url: str
    status: int
    text: str
    headers: httpx.Headers
    forms: list[Form]
    links: dict[str, str]
    """Addresses by their words."""


class Surfer:
    """One person at one screen."""

    def __init__(self, language: str = "en") -> None:
        # A browser's jar does not tell the ports of a host apart.
        self.http = httpx.Client(timeout=30, headers={"accept-language": language}, trust_env=False)

    def close(self) -> None:
        self.http.close()

    def open(self, url: str, *, until: Callable[[str], bool] = lambda _url: False) -> Page:
        """Go to an address and follow redirects, up to the first that ``until`` takes."""
        return self._follow(self.http.build_request("GET", url), until)

    def send(
        self,
        page: Page,
        form: Form,
        *,
        until: Callable[[str], bool] = lambda _url: False,
        **fields: str,
    ) -> Page:
        """Send a form, with these fields filled in."""
        data = {**form.fields, **fields}
        address = urljoin(page.url, form.action)
        origin = "/".join(page.url.split("/")[:3])
        if form.method == "get":
            return self._follow(self.http.build_request("GET", address, params=data), until)
        headers = {"origin": origin, "referer": page.url}
        return self._follow(self.http.build_request("POST", address, data=data, headers=headers), until)

    def _follow(self, request: httpx.Request, until: Callable[[str], bool]) -> Page:
        for _step in range(20):
            response = self.http.send(request)
            if response.next_request is None:
                return _page(response)
            request = response.next_request
            if until(str(request.url)):
                return Page(str(request.url), response.status_code, "", response.headers, [], {})
        raise AssertionError(f"redirected for ever: {request.url}")


def _page(response: httpx.Response) -> Page:
    parser = _Parser()
    if "html" in response.headers.get("content-type", ""):
        parser.feed(response.text)
    return Page(
        str(response.url), response.status_code, response.text, response.headers, parser.forms, parser.links
    )


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self._form: Form | None = None
        self._href: str | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "a" and "href" in given:
            self._href, self._words = given["href"], []
        elif self._form is not None and given.get("name"):
            self._control(self._form, tag, given["name"], given)

    def _control(self, form: Form, tag: str, name: str, given: dict[str, Any]) -> None:
        if tag == "button":
            form.buttons[name] = given.get("value", "")
        elif given.get("type") in {"radio", "checkbox"}:
            form.choices.setdefault(name, []).append(given.get("value", "on"))
            if "checked" in given:
                form.fields[name] = given.get("value", "on")
        elif tag in {"input", "textarea"}:
            form.fields[name] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._href is not None:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "a" and self._href is not None:
            self.links[" ".join("".join(self._words).split())] = self._href
            self._href = None
