from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.services.catalogue.conftest import starter
from kouan.apps.services.catalogue import folding, keeping, queries, searching
from kouan.apps.services.catalogue.searching import Wanted, search
from kouan.apps.services.models import ServiceText, ServiceVersion
from kouan.apps.services.starter import folders

LANE = "gd/student-fast-lane"


@pytest.fixture
def all_kept(kept):
    kept(*(starter(f"{side}/{folder.name}") for side in ("hk", "gd") for folder in folders(side)))


def names(text="", **how):
    keys = search(Wanted(text=text, **how))
    rows = ServiceVersion.objects.in_bulk(keys)
    return [f"{rows[key].side}/{rows[key].service}" for key in keys]


@pytest.mark.parametrize("text", ["羅湖", "罗湖", "Lo Wu", "lo wu", "ＬＯ　ＷＵ", "Luohu", "luo", "lo-wu"])
def test_a_place_is_found_by_any_of_its_names(all_kept, text):
    assert LANE in names(text)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("社保", "gd/social-security-certificate"),
        ("social insurance", "gd/social-security-certificate"),
        ("圖書證", "hk/library-card"),
        ("图书证", "hk/library-card"),
        ("驾驶证", "gd/driving-licence-exchange"),
        ("駕駛執照", "gd/driving-licence-exchange"),
        ("高才通", "hk/talent-admission"),
        ("Northbound", "gd/northbound-vehicle"),
        ("港车北上", "gd/northbound-vehicle"),
        ("provident", "gd/provident-fund-withdrawal"),
        ("lost property", "hk/lost-property-report"),
    ],
)
def test_people_find_what_they_mean_first(all_kept, text, first):
    assert names(text)[0] == first


def test_the_title_counts_more_than_another_name_and_that_more_than_the_rest(kept):
    nothing = {"en": "Something", "zh_hant": "事項", "zh_hans": "事项"}
    word = nothing | {"en": "Marmalade"}
    base = {"aliases": [], "title": nothing, "summary": nothing}
    kept(
        starter("gd/reader-card", **base | {"service": "rest", "summary": word}),
        starter("gd/reader-card", **base | {"service": "alias", "aliases": ["marmalade"]}),
        starter("gd/reader-card", **base | {"service": "title", "title": word}),
    )
    assert names("marmalade") == ["gd/title", "gd/alias", "gd/rest"]


def test_all_words_must_be_there(all_kept):
    assert names("library marmalade") == []
    assert names("hk library card")[0] == "hk/library-card"


@pytest.mark.parametrize(
    "text", ["!!!", "%", "_", "'; --", "\x00", "\ud800".encode("utf-8", "ignore").decode() + "??"]
)
def test_what_holds_no_word_finds_nothing(all_kept, text):
    assert names(text) == []


def test_filters_narrow_down_with_and_without_words(all_kept):
    assert set(names(category="tax")) == {
        "hk/tax-resident-certificate", "gd/tax-resident-certificate", "gd/income-tax-settlement",
    }  # fmt: skip
    assert names("tax", sides=["hk"], category="tax") == ["hk/tax-resident-certificate"]
    assert all("driving" in queries.published(*name.split("/")).events for name in names(event="driving"))
    assert "hk/guangdong-old-age-allowance" not in names("allowance", home="mo")
    assert "hk/guangdong-old-age-allowance" in names("allowance", home="gd")
    assert names("card", audience="business") == []
    assert names(event="mov") == []


def test_only_what_is_published_is_found(kept):
    (row,) = kept(starter(LANE))
    assert names("羅湖") == [LANE]
    keeping.end([row], state=ServiceVersion.State.WITHDRAWN, now=row.published_at)
    assert names("羅湖") == []
    assert not ServiceText.objects.exists()
    kept(starter("gd/reader-card"), state=ServiceVersion.State.DRAFT)
    assert names("reader") == names() == []


def test_a_long_question_is_cut_and_answered(all_kept):
    assert names("library " * 5000)[0] == "hk/library-card"


@given(st.text(max_size=60))
def test_every_text_is_found_by_itself_and_by_the_beginning_of_its_words(text):
    known = folding.words(text)
    assert all(any(word.startswith(term) for word in known) for term in folding.asked(text))
    assert folding.fold(folding.fold(text)) == folding.fold(text)


@given(st.text(alphabet="羅湖罗湖車车圖图LoWu ", max_size=30))
def test_both_scripts_fold_to_one(text):
    table = str.maketrans("羅車圖", "罗车图")
    assert folding.words(text) == folding.words(text.translate(table))


def test_weights_keep_the_best_place_of_a_word():
    found = searching.weights(starter("hk/library-card"))
    assert found["圖书" if "圖书" in found else "图书"] == searching.TITLE
    assert found["borrow"] == searching.REST
