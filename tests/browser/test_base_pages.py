from __future__ import annotations

import pytest

PAGES = {
    "home": "/",
    "sign-in": "/sign-in",
    "accessibility": "/accessibility",
    "not-found": "/no-such-page",
}


def test_base_pages_are_accessible_and_fit(visit, language):
    visitor = visit(language=language)
    for name, path in PAGES.items():
        visitor.open(path)
        visitor.check(name)


def test_a_refused_sign_in_names_each_fault_and_leads_to_its_field(visit, language):
    visitor = visit(language=language)
    page = visitor.open("/sign-in")
    page.locator("main form button[type=submit]").click()
    visitor.check("sign-in-refused")
    summary = page.locator(".govuk-error-summary")
    assert summary.evaluate("element => element === document.activeElement")
    summary.locator("a").first.click()
    assert page.evaluate("document.activeElement.id") == "id_username"


def test_a_role_missing_is_explained_to_who_is_signed_in(visit, language, django_user_model):
    visitor = visit(language=language)
    visitor.sign_in("operator")
    visitor.check("home-signed-in")


def test_the_first_key_reaches_the_skip_link_and_it_leads_to_the_main_part(visit, width):
    page = visit(width=width).open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className").startswith("govuk-skip-link")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main-content"


def test_the_language_is_switched_by_keyboard_and_the_page_is_kept(visit):
    page = visit().open("/accessibility?from=test")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "zh-hant":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("html[lang=zh-Hant-HK]")
    assert page.url.endswith("/accessibility?from=test")
    assert page.locator("h1").inner_text() == "無障礙"
    assert page.locator(".kouan-languages [aria-current]").inner_text() == "繁體"


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_pages_and_the_language_switch_work_without_scripts(visit, path):
    visitor = visit(scripts=False)
    page = visitor.open(path)
    page.get_by_role("button", name="简体").click()
    assert page.locator("html").get_attribute("lang") == "zh-Hans-CN"
    assert page.url == visitor.portal + path
    assert not visitor.faults


def test_every_stop_of_the_keyboard_shows_where_it_is(visit, width):
    page = visit(width=width).open("/sign-in")
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
              const stop = document.activeElement, style = getComputedStyle(stop);
              const shown = style.outlineStyle !== "none" || style.boxShadow !== "none";
              return [stop.outerHTML.slice(0, 80), stop === document.body || shown];
            }"""
        )
        if stop[0] in seen:
            break
        seen.add(stop[0])
        assert stop[1], stop[0]
    assert len(seen) > 8


def test_printing_leaves_out_what_can_only_be_pressed(visit):
    page = visit().open("/")
    page.emulate_media(media="print")
    assert not page.locator(".kouan-navigation").is_visible()
    assert not page.locator(".kouan-languages").is_visible()
    assert page.locator("h1").is_visible()
    assert page.locator(".kouan-header__name").is_visible()
