from __future__ import annotations

import json

import pytest

from apps.services.catalogue.conftest import STARTER, starter
from kouan.apps.services.catalogue import federation, publishing, queries
from kouan.apps.services.catalogue.errors import FaultyDefinition, ServiceWithdrawn, UnknownService
from kouan.apps.services.definition.reading import from_folder
from kouan.apps.services.models import CatalogueTold, ServiceText, ServiceVersion

CARD = "gd/reader-card"
LINE = {"en": "Another", "zh_hant": "另一個", "zh_hans": "另一个"}


def test_what_the_other_side_publishes_is_shown_here(gd):
    assert gd.publishes(starter(CARD)) == ("handled", "")
    assert queries.published("gd", "reader-card") == starter(CARD)
    assert queries.version(starter(CARD).digest()) == starter(CARD)


def test_a_form_that_crossed_asks_in_the_order_in_which_it_was_written(gd):
    gd.publishes(starter("gd/social-security-certificate"))
    queries._parsed.cache_clear()
    form = queries.published("gd", "social-security-certificate").form
    names = ["about", "insured", "period", "for", "address_shown", "contact"]
    assert list(form["properties"]) == names
    assert list(form["properties"]["insured"]["properties"]) == ["city", "kinds"]


def test_saying_it_again_changes_nothing(gd):
    gd.publishes(starter(CARD))
    first = ServiceVersion.objects.values("pk", "state", "published_at").get()
    assert gd.publishes(starter(CARD)) == ("handled", "")
    assert ServiceVersion.objects.values("pk", "state", "published_at").get() == first


def test_a_later_version_replaces_and_an_earlier_one_that_comes_late_does_not(gd):
    gd.publishes(starter(CARD, version=2))
    gd.publishes(starter(CARD, version=3))
    gd.publishes(starter(CARD, version=1))
    states = dict(ServiceVersion.objects.values_list("version", "state"))
    assert states == {1: "replaced", 2: "replaced", 3: "published"}
    assert {text.version.version for text in ServiceText.objects.select_related("version")} == {3}


def test_a_version_never_says_something_else_later(gd):
    gd.publishes(starter(CARD))
    assert gd.publishes(starter(CARD, title=LINE)) == ("refused", "faulty-service")
    assert queries.published("gd", "reader-card") == starter(CARD)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[]", "faulty-service"),
        (b"{", "faulty-service"),
        (b"[" * 5000, "faulty-service"),
        (json.dumps(json.loads(starter(CARD).canonical())).encode(), "faulty-service"),
        (starter("hk/library-card").canonical(), "foreign-service"),
        (
            starter(CARD, form={"type": "object", "properties": {"a": {"type": "null"}}}).canonical(),
            "faulty-service",
        ),
    ],
    ids=["no object", "no JSON", "deep", "not canonical", "of another side", "a form that cannot be asked"],
)
def test_what_is_no_service_of_the_sender_is_refused(gd, data, code):
    assert gd.say("services.published", {"definition": data}) == ("refused", code)
    assert not ServiceVersion.objects.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"homes": ["zz"]}, "no side is called zz"),
        ({"acts_for": ["self", "company"], "needs": []}, "representation"),
        ({"flow": [
            {"action": "take-up", "source": "received", "target": "in-review", "role": "officer"},
        ]}, "flow"),
        ({"form": {"type": "object", "properties": {"a": {
            "type": "string", "x-title": LINE, "x-element": "person.name",
            "x-prefill": "evidence.identity.zzz",
        }}}}, "x-prefill"),
        ({"result": starter(CARD).result.model_dump() | {"claims": [
            {"name": "xx", "title": LINE, "source": "answers.nowhere"},
        ]}}, "the form asks no nowhere"),
    ],
    ids=["sides", "needs", "flow", "prefill", "result"],
)  # fmt: skip
def test_another_sides_service_is_held_to_the_rules_of_our_own(gd, changes, said):
    definition = starter(CARD, **changes)
    with pytest.raises(FaultyDefinition, match=said):
        federation.read(definition.canonical(), sender="gd")
    assert gd.publishes(definition) == ("refused", "faulty-service")


def test_a_demonstration_is_refused_by_a_node_that_is_none(gd, settings):
    from dataclasses import replace  # noqa: PLC0415 - of this test alone

    settings.NODE = replace(settings.NODE, demonstration=False)
    assert gd.publishes(starter(CARD)) == ("refused", "demonstration-service")


def test_what_is_listed_no_more_is_withdrawn_here(gd):
    gd.publishes(starter(CARD))
    gd.publishes(starter("gd/residence-permit"))
    assert gd.lists(starter("gd/residence-permit"), at=10) == ("handled", "")
    with pytest.raises(ServiceWithdrawn):
        queries.published("gd", "reader-card")
    assert queries.published("gd", "residence-permit")
    assert queries.version(starter(CARD).digest()) == starter(CARD)


def test_an_older_list_that_comes_late_withdraws_nothing(gd):
    gd.publishes(starter(CARD))
    gd.lists(starter(CARD), at=10)
    gd.lists(at=9)
    assert queries.published("gd", "reader-card")


def test_a_list_in_parts_counts_once_all_of_it_is_here(gd):
    gd.publishes(starter(CARD))
    gd.publishes(starter("gd/residence-permit"))
    gd.lists(starter(CARD), at=10, part=1, parts=2)
    assert queries.published("gd", "residence-permit")
    gd.lists(at=10, part=2, parts=2)
    with pytest.raises(ServiceWithdrawn):
        queries.published("gd", "residence-permit")


def test_what_is_listed_and_missing_is_asked_for(gd):
    gd.lists(starter(CARD), at=10)
    assert gd.hear() == [("services.wanted", {"digests": [starter(CARD).digest()]})]
    gd.publishes(starter(CARD))
    gd.lists(starter(CARD), at=11)
    assert gd.hear() == []


def test_while_a_new_version_is_missing_the_one_before_is_shown(gd):
    gd.publishes(starter(CARD))
    gd.lists(starter(CARD, version=2), at=10)
    assert queries.published("gd", "reader-card").version == 1
    gd.publishes(starter(CARD, version=2))
    assert queries.published("gd", "reader-card").version == 2


def test_what_is_listed_again_is_offered_again(gd):
    gd.publishes(starter(CARD))
    gd.lists(at=10)
    gd.lists(starter(CARD), at=11)
    assert queries.published("gd", "reader-card") == starter(CARD)
    assert ServiceText.objects.exists()


def test_publishing_tells_each_member_at_once_and_the_list_follows(gd):
    publishing.publish_source(from_folder(STARTER / "hk/library-card"), by="test")
    (sent,) = gd.hear()
    assert sent == ("services.published", {"definition": starter("hk/library-card").canonical()})
    federation.tell()
    ((type_, payload),) = gd.hear()
    assert (type_, payload["part"], payload["parts"]) == ("services.catalogue", 1, 1)
    assert payload["services"] == [
        {"service": "library-card", "version": 1, "digest": starter("hk/library-card").digest()}
    ]
    federation.tell()
    assert gd.hear() == []


def test_withdrawing_tells_each_member_at_once(gd):
    publishing.publish_source(from_folder(STARTER / "hk/library-card"), by="test")
    federation.tell()
    gd.hear()
    publishing.withdraw("library-card", by="test")
    ((type_, payload),) = gd.hear()
    assert (type_, payload["services"]) == ("services.catalogue", [])
    with pytest.raises(ServiceWithdrawn):
        queries.published("hk", "library-card")


def test_the_whole_list_is_told_once_a_day(gd):
    from datetime import timedelta  # noqa: PLC0415 - of this test alone

    from django.utils import timezone  # noqa: PLC0415 - as above

    federation.tell()
    assert len(gd.hear()) == 1
    now = timezone.now()
    federation.tell(now=now + timedelta(hours=23))
    assert gd.hear() == []
    federation.tell(now=now + timedelta(hours=25))
    assert len(gd.hear()) == 1


def test_two_lists_of_one_second_are_told_apart(gd):
    from django.utils import timezone  # noqa: PLC0415 - of this test alone

    now = timezone.now()
    federation.tell(now=now)
    publishing.publish_source(from_folder(STARTER / "hk/library-card"), by="test", announce=False)
    federation.tell(now=now)
    first, second = (payload["at"] for _type, payload in gd.hear())
    assert second > first


def test_what_another_side_wants_is_sent_if_it_is_published_here(gd):
    publishing.publish_source(from_folder(STARTER / "hk/library-card"), by="test", announce=False)
    wish = [starter("hk/library-card").digest(), starter(CARD).digest()]
    assert gd.say("services.wanted", {"digests": wish}) == ("handled", "")
    assert gd.hear() == [("services.published", {"definition": starter("hk/library-card").canonical()})]
    publishing.withdraw("library-card", by="test")
    gd.hear()
    gd.say("services.wanted", {"digests": wish})
    assert gd.hear() == []


def test_without_an_agreement_publishing_goes_on_and_nobody_is_told(gd, node, settings, tmp_path):
    from dataclasses import replace  # noqa: PLC0415 - of this test alone

    empty = tmp_path / "none"
    empty.mkdir()
    settings.NODE = replace(node, agreements=empty)
    publishing.publish_source(from_folder(STARTER / "hk/library-card"), by="test")
    federation.tell()
    assert queries.published("hk", "library-card")
    assert not CatalogueTold.objects.exclude(digest=b"").exists()


def test_who_was_never_told_of_a_service_says_that_there_is_none(node):
    with pytest.raises(UnknownService):
        queries.published("gd", "reader-card")


def test_a_side_offers_so_many_services_and_no_more(gd, monkeypatch):
    monkeypatch.setattr(federation, "MOST_SERVICES", 1)
    assert gd.publishes(starter(CARD)) == ("handled", "")
    assert gd.publishes(starter("gd/residence-permit")) == ("refused", "faulty-service")
    assert gd.publishes(starter(CARD, version=2)) == ("handled", "")
    assert gd.lists(starter(CARD), starter("gd/residence-permit"), at=10) == ("refused", "faulty-service")
    assert ServiceVersion.objects.filter(state="published").count() == 1


def test_a_list_in_more_parts_than_any_side_needs(gd):
    assert gd.lists(starter(CARD), at=10, part=1, parts=21) == ("refused", "ill-formed-payload")
    assert gd.lists(starter(CARD), at=10, part=1, parts=20) == ("handled", "")
