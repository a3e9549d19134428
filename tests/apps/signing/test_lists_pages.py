"""The pages of trust lists, the API and the program."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from apps.signing.made import DAY, authority, edition, entry
from apps.signing.test_lists_importing import as_csv, as_json, record
from kouan.apps.signing.commands import signing
from kouan.apps.signing.lists import drafts, entries, publishing, queries
from kouan.apps.signing.models import ListEdition
from kouan.web.access import grant_role

NEW = {
    "code": "harbour-personal", "name_en": "Personal", "name_zh_hant": "個人", "name_zh_hans": "个人",
    "provider_en": "Harbour", "provider_zh_hant": "海港", "provider_zh_hans": "海港",
    "certificate_type": "personal", "recognised_from": "2024-01-01", "last_day": "2033-12-31",
    "type_policies": "1.2.3",
}  # fmt: skip


def officer(name, role="signing"):
    user = User.objects.create_user(name, first_name=name.title(), last_name="Mei")
    grant_role(user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def chan(node):
    return officer("chan")


@pytest.fixture
def wong(node):
    return officer("wong")


def new_entry(**changes):
    made = authority()
    return NEW | {"root": made.root.decode(), "issuing_ca": made.issuing.decode()} | changes


def version():
    return {"version": queries.draft().version}


def test_two_officers_publish_a_list_in_the_portal(chan, wong):
    chan.post("/trust-list/begin")
    assert chan.post("/trust-list/new", new_entry() | version()).status_code == 302
    chan.post("/trust-list/submit", {"days": "30"} | version())
    page = chan.get("/trust-list/").content.decode()
    assert "Another officer has to look at it" in page
    assert "/trust-list/publish" not in page
    page = wong.get("/trust-list/").content.decode()
    assert "Waits for a second officer" in page
    assert "/trust-list/publish" in page
    wong.post("/trust-list/publish", version())
    row = ListEdition.objects.get()
    assert (row.prepared_by, row.officer) == ("chan", "Wong Mei")
    assert "Edition 1 is signed and published" in wong.get("/trust-list/").content.decode()
    public = Client().get("/trust-lists/").content.decode()
    assert "Harbour" in public
    assert "Demonstration" in public


def test_who_submitted_cannot_publish_even_by_hand(chan):
    chan.post("/trust-list/begin")
    chan.post("/trust-list/submit", {"days": "30"} | version())
    page = chan.post("/trust-list/publish", version(), follow=True).content.decode()
    assert "You submitted this draft." in page
    assert not ListEdition.objects.exists()


@pytest.mark.parametrize("path", ["", "new", "import", "entries/harbour-personal/", "entries/x/withdrawn"])
def test_officers_pages_are_for_officers_alone(chan, path):
    assert Client().get(f"/trust-list/{path}").status_code == 302
    assert officer("other", "operator").get(f"/trust-list/{path}").status_code == 403
    assert Client().get("/trust-list-exchange").status_code == 302
    assert officer("issuer", "issuer").get("/trust-list-exchange").status_code == 403
    assert officer("third", "operator").get("/trust-list-exchange").status_code == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"code": "No spaces!"}, "small letters, digits and hyphens"),
        ({"root": "nothing"}, "this is no certificate"),
        ({"last_day": "2001-01-01"}, "recognition ends before it begins"),
        ({"name_zh_hant": ""}, "This cannot be empty"),
        ({"type_policies": "one two"}, "with spaces between"),
        ({"version": "1000"}, "The draft was changed meanwhile"),
    ],
)
def test_a_wrong_entry_is_explained_and_changes_nothing(chan, changes, words):
    chan.post("/trust-list/begin")
    response = chan.post("/trust-list/new", new_entry() | version() | changes)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert drafts.entries_of(queries.draft()) == ()


def test_an_entry_is_changed_withdrawn_and_taken_out(chan, publish):
    publish(entry())
    chan.post("/trust-list/begin")
    given = {name: text for name, text in new_entry().items() if name != "code"} | version()
    assert (
        chan.post("/trust-list/entries/harbour-personal/", given | {"name_en": "Renamed"}).status_code == 302
    )
    bad = chan.post("/trust-list/entries/harbour-personal/withdrawn", {"since": "2020-01-01", "reason": "x"})
    assert bad.status_code == 422
    assert "each change comes after the one before it" in bad.content.decode()
    far = chan.post("/trust-list/entries/harbour-personal/", given | {"last_day": "2999-12-31"} | version())
    assert far.status_code == 422
    path, reason = "/trust-list/entries/harbour-personal/withdrawn", {"reason": "Key lost"}
    # An edition has said since that the entry is recognised.
    late = chan.post(path, {"since": "2026-03-01"} | reason | version())
    assert late.status_code == 422
    assert "takes back what was published" in late.content.decode()
    today = datetime.now(entries.ZONE).date().isoformat()
    assert chan.post(path, {"since": today} | reason | version()).status_code == 302
    page = chan.post("/trust-list/entries/harbour-personal/remove", version(), follow=True).content.decode()
    assert "stays in the list for good" in page
    assert "Name of the certificates" in page
    (listed,) = drafts.entries_of(queries.draft())
    assert (listed.name.en, listed.history[-1].reason) == ("Renamed", "Key lost")


def test_pasted_entries_are_taken_all_or_none(chan):
    chan.post("/trust-list/begin")
    text = as_csv(record(), record("broken", certificate_type="robot")).decode()
    response = chan.post("/trust-list/import", {"entries": text} | version())
    assert response.status_code == 422
    assert "Issued to: write personal, organisation or seal" in response.content.decode()
    assert drafts.entries_of(queries.draft()) == ()
    text = as_json(record(), record("second")).decode()
    assert chan.post("/trust-list/import", {"entries": text} | version()).status_code == 302
    assert len(drafts.entries_of(queries.draft())) == 2


def test_anybody_asks_how_an_entry_stood(publish):
    publish(entry())
    client = Client()
    page = client.get("/trust-lists/hk/entries/harbour-personal/?on=2023-12-31").content.decode()
    assert "No, on 31 December 2023 it was not recognised." in page
    page = client.get("/trust-lists/hk/entries/harbour-personal/?on=2024-01-01").content.decode()
    assert "Yes, on 1 January 2024 it was recognised." in page
    assert "No edition was published by then." in page
    wrong = client.get("/trust-lists/hk/entries/harbour-personal/?on=soon")
    assert wrong.status_code == 422
    assert client.get("/trust-lists/hk/entries/harbour-personal/?on=1066-10-14").status_code == 422
    assert client.get("/trust-lists/hk/entries/nobody/").status_code == 404
    assert client.get("/trust-lists/mo/").status_code == 404


def test_the_files_are_those_that_were_signed(gd, publish):
    row = publish(entry())
    gd.tell(edition(at=(datetime.now(UTC) - DAY).replace(microsecond=0)))
    client = Client()
    assert client.get("/trust-lists/hk/1.jws").content.decode() == row.jws
    assert client.get("/trust-lists/hk.jws").content.decode() == row.jws
    assert json.loads(client.get("/trust-lists/hk/1.json").content)["LoTE"]
    assert b"SignatureValue" in client.get("/trust-lists/hk/1.xml").content
    assert b"Export without a signature" in client.get("/trust-lists/gd/1.xml").content
    assert client.get("/trust-lists/hk/1.sm2").status_code == 404
    assert client.get("/trust-lists/hk/2.jws").status_code == 404
    page = client.get("/trust-lists/gd/").content.decode()
    assert "/trust-lists/gd/1.jws" in page


def test_the_exchange_is_shown(gd, publish, wong):
    publish(entry())
    gd.tell_jws("a.b.c")
    page = wong.get("/trust-list-exchange").content.decode()
    assert "Its signature does not hold under that side" in page


def test_the_api_says_the_same(publish, monkeypatch):
    publish(entry())
    client = Client()
    (said,) = client.get("/api/v1/signing/trust-lists").json()
    assert (said["side"], said["sequence"]) == ("hk", 1)
    (listed,) = said["entries"]
    assert listed["name"]["zh-hant"] == "個人證書"
    day = client.get("/api/v1/signing/trust-lists/hk/entries/harbour-personal/on/2024-01-01").json()
    assert (day["recognised"], day["stood"], day["edition"]) == (True, "recognised", None)
    asked = {
        "root": listed["root"], "issuing_ca": listed["issuing_ca"], "at": "2026-01-01T00:00:00",
        "policies": ["2.16.344.8.2.2008.810.2.2012.1.0"],
    }  # fmt: skip
    found = client.get("/api/v1/signing/recognition", asked).json()
    assert (found["recognised"], found["entry"], found["digest"]) == (
        True,
        "harbour-personal",
        said["digest"],
    )
    assert (
        client.get("/api/v1/signing/recognition", asked | {"root": "0" * 64}).json()["reason"]
        == "unknown-root"
    )
    assert client.get("/api/v1/signing/recognition", asked | {"root": "x"}).status_code == 422
    with monkeypatch.context() as later:
        later.setattr(timezone, "now", lambda: datetime.now(UTC) + 91 * DAY)
        found = client.get("/api/v1/signing/recognition", asked).json()
    assert (found["recognised"], found["reason"], found["overdue"]) == (False, "recognised", True)
    path = "/api/v1/signing/trust-lists/hk/entries/harbour-personal/on"
    assert client.get(f"{path}/1066-10-14").status_code == 422
    assert client.get("/api/v1/signing/trust-lists/mo/entries/x/on/2024-01-01").status_code == 404


def run(*args):
    return CliRunner().invoke(signing, ["lists", *args])


def test_the_program_imports_shows_and_exports(chan, publish, tmp_path):
    (tmp_path / "root.pem").write_bytes(authority().root)
    (tmp_path / "ca.pem").write_bytes(authority().issuing)
    file = tmp_path / "published.csv"
    file.write_bytes(as_csv(record(root="root.pem", issuing_ca="ca.pem")))
    assert run("import", str(file), "--by", "nobody").exit_code == 1
    assert run("import", str(file), "--by", "chan").output == "1\n"
    assert run("submit", "--by", "chan").exit_code == 0
    drafts.drop(by="chan")
    publish(entry())
    shown = run("show").output
    assert "hk\tharbour-personal\trecognised" in shown
    assert run("on", "hk", "harbour-personal", "2024-01-01").exit_code == 0
    assert run("on", "hk", "harbour-personal", "2023-12-31").exit_code == 1
    assert run("on", "hk", "harbour-personal", "1066-10-14").exit_code == 2
    out = tmp_path / "list.jws"
    assert run("export", "hk", "--out", str(out)).exit_code == 0
    assert out.read_text() == ListEdition.objects.get().jws
    assert run("export", "hk", "--format", "sm2", "--out", str(out)).exit_code == 1
    lacks = run("export", "hk", "--format", "xml", "--out", str(out))
    assert lacks.exit_code == 0
    assert "SchemeOperatorAddress" in lacks.output


def test_the_program_names_the_line_of_each_fault_and_stays_in_the_folder(chan, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "ca.pem").write_bytes(authority().issuing)
    file = folder / "published.csv"
    file.write_bytes(as_csv(record(issuing_ca="../ca.pem")))
    done = run("import", str(file), "--by", "chan")
    assert done.exit_code == 1
    assert "Certificate of the issuing CA: neither a certificate nor a file beside this one." in done.output
    assert "line " in done.output
    assert queries.draft() is None


def test_a_list_says_when_the_next_edition_is_overdue(gd):
    at = (datetime.now(UTC) - 100 * DAY).replace(microsecond=0)
    gd.tell(edition(at=at, next_update=at + timedelta(days=90)))
    assert "Overdue" in Client().get("/trust-lists/").content.decode()
    assert run("show").output.startswith("gd\t1\t")
    assert "overdue" in run("show").output


def test_a_code_that_is_taken_is_not_given_again(chan):
    chan.post("/trust-list/begin")
    chan.post("/trust-list/new", new_entry() | version())
    again = chan.post("/trust-list/new", new_entry(name_en="Other") | version())
    assert again.status_code == 422
    assert "two entries have this code" in again.content.decode()
    assert drafts.entries_of(queries.draft())[0].name.en == "Personal"


def test_an_address_is_kept_shown_and_missed_where_it_is_not_given(chan):
    chan.post("/trust-list/begin")
    chan.post("/trust-list/new", new_entry() | version())
    assert "the address of Harbour" in chan.get("/trust-list/").content.decode()
    page = chan.get("/trust-list/entries/harbour-personal/").content.decode()
    given = {
        "name_en": "Personal", "name_zh_hant": "個人", "name_zh_hans": "个人",
        "provider_en": "Harbour", "provider_zh_hant": "海港", "provider_zh_hans": "海港",
        "last_day": "2033-12-31", "type_policies": "", "contact_street": "1 Harbour Road",
        "contact_country": "HK", "contact_email": "enquiry@harbour.example",
        "contact_website": "https://harbour.example",
    }  # fmt: skip
    assert "Town, in English" in page
    lacks = chan.post("/trust-list/entries/harbour-personal/", given | version())
    assert (lacks.status_code, "it is missing" in lacks.content.decode()) == (422, True)
    wrong = chan.post(
        "/trust-list/entries/harbour-personal/",
        given | {"contact_locality": "X", "contact_website": "no"} | version(),
    )
    assert "begins with https://" in wrong.content.decode()
    done = chan.post(
        "/trust-list/entries/harbour-personal/", given | {"contact_locality": "Hong Kong"} | version()
    )
    assert done.status_code == 302
    assert "the address of Harbour" not in chan.get("/trust-list/").content.decode()
    assert drafts.entries_of(queries.draft())[0].contact.street == "1 Harbour Road"
    draft = drafts.submit(by="chan")
    publishing.publish(by="wong", officer="WONG Mei", version=draft.version)
    shown = Client().get("/trust-lists/hk/entries/harbour-personal/").content.decode()
    assert "1 Harbour Road, Hong Kong, HK" in shown
    (said,) = Client().get("/api/v1/signing/trust-lists").json()
    assert said["entries"][0]["contact"]["email"] == "enquiry@harbour.example"
