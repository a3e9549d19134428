"""A joint text between this node and another: proposed, countered, accepted, refused, withdrawn."""

from __future__ import annotations

import pytest
import rfc8785

from apps.programme.plan.conftest import states, subject
from apps.programme.plan.made import OFFICER, YEAR, drafted, plan, words
from kouan.apps.programme.models import Draft, Subject, Version, VersionPaper
from kouan.apps.programme.plan import drafting, errors, negotiating, papers
from kouan.apps.programme.plan.domain import made_of, plan_number
from kouan.core.exchange import statements
from kouan.core.exchange.crossing import Undelivered

KEY = plan_number(["hk", "gd"], YEAR)


def their(**changes):
    return plan(**{"author": "gd"} | changes)


def test_a_proposal_goes_over_with_a_statement_and_a_signed_pdf_and_its_acceptance_brings_it_into_effect(
    proposed,
    gd,
):
    row = proposed()
    ((type_, said),) = gd.hear()
    assert type_ == "programme.proposal"
    text = made_of(plan())
    assert said["text"] == text.canonical()
    read = statements.read(
        said["statement"], side="hk", digest=text.digest(), content_type=negotiating.SIGNATURE
    )
    assert read.officer == OFFICER
    assert [seal.side for seal in papers.check(said["paper"], text, {"hk"})] == ["hk"]
    assert negotiating.in_effect(subject()) is None
    assert gd.answer(text.digest(), KEY) == ("handled", "")
    assert bytes(negotiating.in_effect(subject()).digest) == text.digest() == bytes(row.digest)
    assert not Draft.objects.exists()


def test_what_the_other_side_proposes_is_signed_here_and_the_answer_bears_both_seals_that_can_be_made(gd):
    value = their()
    assert gd.propose(value) == ("handled", "")
    text = made_of(value)
    row = negotiating.accept(digest=text.digest(), officer=OFFICER)
    assert row.state == "signed"
    ((type_, said),) = gd.hear()
    assert (type_, said["outcome"]) == ("programme.answer", "accepted")
    assert statements.read(
        said["statement"], side="hk", digest=text.digest(), content_type=negotiating.SIGNATURE
    )
    assert [seal.side for seal in papers.seals_in(row)] == ["hk"]


def test_a_counter_proposal_takes_the_place_of_what_it_answers(gd):
    value = their()
    gd.propose(value)
    version = Version.objects.get()
    draft = drafting.from_version(version=version, officer=OFFICER)
    content = draft.content
    content["areas"][0]["items"][0]["deliverable"]["en"] = "Forty services."
    Draft.objects.update(content=content)
    ours = negotiating.propose(subject=draft.subject, edition=1, officer=OFFICER)
    assert states() == {("gd", 1): "countered", ("hk", 2): "proposed"}
    ((_type, said),) = gd.hear()
    assert said["answers"] == made_of(value).digest()
    with pytest.raises(errors.NotOnTheTable):
        negotiating.accept(digest=made_of(value).digest(), officer=OFFICER)
    assert gd.answer(bytes(ours.digest), KEY) == ("handled", "")
    assert states()[("hk", 2)] == "signed"


def test_of_two_proposals_that_cross_one_stands_and_only_that_one_can_be_accepted(proposed, gd):
    ours = bytes(proposed().digest)
    value = their()
    theirs = made_of(value).digest()
    assert gd.propose(value) == ("handled", "")
    if theirs < ours:
        assert negotiating.accept(digest=theirs, officer=OFFICER).state == "signed"
        assert states()[("hk", 1)] == "overruled"
    else:
        with pytest.raises(errors.NotOnTheTable):
            negotiating.accept(digest=theirs, officer=OFFICER)
        assert states() == {("hk", 1): "proposed", ("gd", 1): "proposed"}


def test_an_acceptance_of_what_was_withdrawn_meanwhile_counts(proposed, gd):
    row = proposed()
    gd.hear()
    negotiating.withdraw(digest=bytes(row.digest), reason="a slip")
    assert states() == {("hk", 1): "withdrawn"}
    assert gd.answer(bytes(row.digest), KEY) == ("handled", "")
    assert states() == {("hk", 1): "signed"}


def test_an_acceptance_of_an_older_version_counts_and_the_newer_proposal_is_overruled(proposed, gd):
    first = proposed()
    gd.hear()
    draft = drafting.from_version(version=first, officer=OFFICER)
    negotiating.propose(subject=draft.subject, edition=1, officer=OFFICER)
    assert states() == {("hk", 1): "withdrawn", ("hk", 2): "proposed"}
    assert gd.answer(bytes(first.digest), KEY) == ("handled", "")
    assert states() == {("hk", 1): "signed", ("hk", 2): "overruled"}


def test_a_version_in_effect_is_replaced_by_the_next_one_that_both_sign(signed, gd):
    first = signed()
    value = their(version=2, replaces=bytes(first.digest).hex())
    value["areas"][0]["title"] = words("Smart cities")
    assert gd.propose(value) == ("handled", "")
    negotiating.accept(digest=made_of(value).digest(), officer=OFFICER)
    assert states() == {("hk", 1): "replaced", ("gd", 2): "signed"}


def test_a_proposal_that_rests_on_another_version_than_the_one_in_effect_is_refused(signed, gd):
    signed()
    assert gd.propose(their(version=2)) == ("refused", "plan-has-moved")
    assert gd.propose(their(version=2, replaces="00" * 32)) == ("refused", "plan-has-moved")


def test_a_refusal_carries_its_reason_both_ways(proposed, gd):
    row = proposed()
    gd.hear()
    assert gd.answer(bytes(row.digest), KEY, "refused", reason="too little") == ("handled", "")
    row.refresh_from_db()
    assert (row.state, row.reason) == ("refused", "too little")
    value = their(version=2)
    gd.propose(value)
    negotiating.refuse(digest=made_of(value).digest(), reason="too much")
    ((_type, said),) = gd.hear()
    assert (said["outcome"], said["reason"], said["statement"]) == ("refused", "too much", b"")


def test_what_the_other_side_withdraws_can_no_longer_be_accepted(gd):
    value = their()
    gd.propose(value)
    assert gd.withdraw(made_of(value).digest(), KEY) == ("handled", "")
    with pytest.raises(errors.NotOnTheTable):
        negotiating.accept(digest=made_of(value).digest(), officer=OFFICER)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"author": "hk"}, "other-plan"),
        ({"sides": ["gd", "mo"], "author": "gd"}, "other-plan"),
        ({"plan": "0" * 8 + "-0000-0000-0000-" + "0" * 12}, "ill-formed-plan"),
        ({"last_day": "2028-01-01"}, "ill-formed-plan"),
        ({"areas": []}, "ill-formed-plan"),
    ],
)
def test_a_text_that_nobody_could_sign_is_refused_and_keeps_nothing(gd, changes, code):
    value = their()
    good = made_of(value)
    bad = value | changes
    if bad["sides"] == ["gd", "mo"]:
        bad["plan"] = str(plan_number(["gd", "mo"], YEAR))
        for each in (each for area in bad["areas"] for each in area["items"]):
            each["measures"] = []
            for owner, side in zip(each["owners"], bad["sides"], strict=True):
                owner["side"] = side
    payload = {
        "text": rfc8785.dumps(bad), "statement": gd.statement(good.digest()), "answers": b"", "paper": b"",
    }  # fmt: skip
    assert gd.say("programme.proposal", payload, conversation=KEY) == ("refused", code)
    assert not Version.objects.exists()


def test_a_signature_of_another_key_or_under_another_text_is_refused(gd):
    value = their()
    text = made_of(value)
    other = gd.statement(bytes(32))
    assert gd.propose(value, statement=other) == ("refused", "unsound-plan-signature")
    ours = gd.statement(text.digest(), side="hk")
    assert gd.propose(value, statement=ours) == ("refused", "unsound-plan-signature")
    assert gd.propose(value, answers=b"12") == ("refused", "other-plan")
    assert not Subject.objects.exists()


def test_the_same_text_again_changes_nothing(gd):
    value = their()
    assert gd.propose(value) == ("handled", "")
    assert gd.propose(value) == ("refused", "proposed-twice")
    assert Version.objects.count() == 1


def test_an_answer_to_what_was_never_proposed_is_refused(gd, signed):
    row = signed()
    assert gd.answer(bytes(32), KEY) == ("refused", "unknown-plan-version")
    assert gd.answer(bytes(row.digest), KEY) == ("handled", "")
    assert Version.objects.get().state == "signed"


def test_a_draft_that_somebody_else_changed_meanwhile_is_not_signed(begun, gd):
    draft = begun()

    def other(content):
        content["last_day"] = "2027-03-30"

    drafting.change(subject=draft.subject, edition=1, officer="Another", by=other)
    with pytest.raises(errors.DraftHasMoved, match="Another"):
        negotiating.propose(subject=draft.subject, edition=1, officer=OFFICER)
    with pytest.raises(errors.DraftHasMoved):
        drafting.change(subject=draft.subject, edition=1, officer=OFFICER, by=other)
    assert not Version.objects.exists()
    assert gd.hear() == []


def test_an_unfinished_draft_says_what_is_missing_and_is_not_signed(gd):
    draft = drafting.begin(peer="gd", year=YEAR, officer=OFFICER)
    assert drafting.problems(draft) == ["areas: too_short"]
    with pytest.raises(errors.IllFormedText, match="areas"):
        negotiating.propose(subject=draft.subject, edition=1, officer=OFFICER)


def test_a_proposal_that_the_other_side_could_not_take_is_off_the_table(proposed, gd):
    row = proposed()
    negotiating.not_taken(message=Undelivered(row.proposal_id, "gd", KEY, "expired"))
    row.refresh_from_db()
    assert (row.state, row.reason) == ("refused", "expired")


def test_an_acceptance_that_never_arrived_is_taken_back(signed, gd):
    first = signed()
    value = their(version=2, replaces=bytes(first.digest).hex())
    gd.propose(value)
    row = negotiating.accept(digest=made_of(value).digest(), officer=OFFICER)
    negotiating.answer_not_taken(message=Undelivered(row.answer_id, "gd", KEY, "expired"))
    assert states() == {("hk", 1): "signed", ("gd", 2): "proposed"}
    row.refresh_from_db()
    assert row.signed_by_other is None


def test_an_unsound_pdf_is_not_kept_and_the_proposal_stands_all_the_same(gd):
    value = their()
    assert gd.propose(value, paper=b"%PDF-1.4 rubbish") == ("handled", "")
    assert not VersionPaper.objects.exists()
    assert Version.objects.get().state == "proposed"


def test_a_years_plan_begins_with_the_areas_of_the_year_before(signed, gd):
    signed()
    draft = drafting.begin(peer="gd", year=YEAR + 1, officer=OFFICER)
    milestone = draft.content["areas"][0]["items"][0]["milestones"][0]
    assert milestone["due"] == "2027-09-30"
    assert drafting.problems(draft) == []


def test_a_whole_text_from_a_file_takes_the_drafts_place_or_says_what_is_wrong(gd):
    draft = drafting.begin(peer="gd", year=YEAR, officer=OFFICER)
    with pytest.raises(errors.IllFormedText, match="schema"):
        drafting.read_in(subject=draft.subject, edition=1, officer=OFFICER, value={"schema": "x"})
    done = drafting.read_in(subject=draft.subject, edition=1, officer=OFFICER, value=drafted(plan()))
    assert drafting.problems(done) == []
