from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from kouan.core.errors import KouanError
from kouan.core.sides import UnknownSideError
from kouan.core.trust import document, queries
from kouan.core.trust.errors import (
    AnchorChanged,
    BadSignature,
    ConflictingDocument,
    FingerprintMismatch,
    FingerprintNeeded,
    KeyStoreDamaged,
    OwnSide,
    StaleDocument,
    UnknownMember,
)
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.member import MemberKeys
from kouan.core.trust.models import Member, MemberHistory
from kouan.core.trust.own import load
from kouan.core.trust.services import check_keys, export_document, import_document, rotate_key
from kouan.core.trust.store import LIST_NAME, KeyStore

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("node")]


@pytest.fixture
def gd(stores, now):
    """Documents of Guangdong by serial and door, under its anchor."""

    def build(serial=1, door="https://gd.example:8443"):
        anchor = stores["gd"].signer(KeyUse.ANCHOR, now)
        return document.build(stores["gd"].content(door), serial=serial, issued=now, anchor=anchor)

    return build


def fingerprint(data):
    return MemberKeys.from_bytes(data).fingerprint


def test_the_first_document_needs_the_compared_fingerprint(gd):
    data = gd()
    with pytest.raises(FingerprintNeeded) as caught:
        import_document(data)
    assert document.grouped(fingerprint(data)) in str(caught.value)
    for wrong in ("", "00", "0" * 64, fingerprint(data)[:-1], "門"):
        with pytest.raises(FingerprintMismatch):
            import_document(data, expected_fingerprint=wrong)
    assert not Member.objects.exists()
    row = import_document(
        data, expected_fingerprint=document.grouped(fingerprint(data)).upper(), imported_by="officer"
    )
    assert (row.side, row.serial, row.fingerprint, row.imported_by) == ("gd", 1, fingerprint(data), "officer")
    assert queries.get_member("gd").door_url == "https://gd.example:8443"


def test_a_newer_document_under_the_same_anchor_needs_no_comparison(gd):
    import_document(gd(), expected_fingerprint=fingerprint(gd()))
    assert queries.get_member("gd").serial == 1
    newer = gd(5, "https://elsewhere.example")
    import_document(newer)
    member = queries.get_member("gd")
    assert (member.serial, member.door_url) == (5, "https://elsewhere.example")
    assert queries.member_documents("gd")[0] == newer
    assert MemberHistory.objects.count() == 2
    with pytest.raises(FingerprintMismatch):
        import_document(gd(6), expected_fingerprint="0" * 64)


def test_the_document_in_use_may_be_imported_again(gd):
    data = gd(3)
    first = import_document(data, expected_fingerprint=fingerprint(data))
    assert import_document(data).imported_at == first.imported_at
    assert MemberHistory.objects.count() == 1


def test_an_older_or_a_conflicting_document_is_refused(gd):
    import_document(gd(3), expected_fingerprint=fingerprint(gd()))
    with pytest.raises(StaleDocument, match="3 is in use"):
        import_document(gd(2))
    with pytest.raises(ConflictingDocument, match="3"):
        import_document(gd(3, "https://elsewhere.example"))
    assert queries.get_member("gd").door_url == "https://gd.example:8443"


def test_another_anchor_needs_to_be_compared_and_said(gd, tmp_path, now):
    import_document(gd(3), expected_fingerprint=fingerprint(gd()))
    store = KeyStore.create(tmp_path / "other", "gd", now=now)
    data = load(store.directory, side="gd", door_url="https://gd.example", now=now).document
    for arguments in (
        {},
        {"replace_anchor": True},
        {"expected_fingerprint": fingerprint(data)},
    ):
        with pytest.raises(AnchorChanged):
            import_document(data, **arguments)
    import_document(data, expected_fingerprint=fingerprint(data), replace_anchor=True)
    assert queries.get_member("gd").fingerprint == fingerprint(data)
    assert len(queries.member_documents("gd")) == 2


def test_the_own_side_and_an_unknown_one_are_refused(tmp_path, now):
    with pytest.raises(OwnSide):
        import_document(export_document(), expected_fingerprint=fingerprint(export_document()))
    store = KeyStore.create(tmp_path / "other", "nowhere", now=now)
    data = load(store.directory, side="nowhere", door_url="https://nowhere.example", now=now).document
    with pytest.raises(UnknownSideError):
        import_document(data, expected_fingerprint=fingerprint(data))


def test_a_changed_document_is_refused(gd):
    data = bytearray(gd())
    data[-1] ^= 1
    with pytest.raises(BadSignature):
        import_document(bytes(data), expected_fingerprint=fingerprint(gd()))


def test_a_side_that_was_not_imported_is_unknown(gd):
    with pytest.raises(UnknownMember, match="kouan trust import"):
        queries.get_member("gd")
    assert queries.members() == ()
    assert queries.member_documents("gd") == ()


def test_an_import_by_another_process_is_noticed(gd, monkeypatch):
    import_document(gd(), expected_fingerprint=fingerprint(gd()))
    held = queries.get_member("gd")
    assert queries.get_member("gd") is held
    # As another process does it: in the table, past this process's cache.
    Member.objects.filter(side="gd").update(document=gd(2), serial=2)
    monkeypatch.setattr(queries, "FRESH_SECONDS", 0.0)
    assert queries.get_member("gd").serial == 2
    Member.objects.all().delete()
    with pytest.raises(UnknownMember):
        queries.get_member("gd")


def test_reading_a_member_in_use_asks_the_database_nothing(gd, django_assert_num_queries):
    import_document(gd(), expected_fingerprint=fingerprint(gd()))
    queries.get_member("gd")
    with django_assert_num_queries(0):
        queries.get_member("gd")


def test_members_stand_by_their_sides(gd, keys_of):
    mo = keys_of("mo").document
    import_document(mo, expected_fingerprint=fingerprint(mo))
    import_document(gd(), expected_fingerprint=fingerprint(gd()))
    assert [member.side for member in queries.members()] == ["gd", "mo"]


def test_the_exported_document_is_byte_stable_until_a_key_rotates():
    first = export_document()
    assert export_document() == first
    keys = rotate_key(KeyUse.SIGN, overlap=timedelta(0))
    assert keys.document == export_document() != first
    assert keys.public.serial == 2
    assert keys.fingerprint == fingerprint(first)
    at = datetime.now(UTC)
    assert keys.public.verification_key(keys.signer(at).kid, at)


def test_before_a_node_starts_every_key_is_opened_and_an_older_list_learns_the_public_halves(node, now):
    path = node.keys / LIST_NAME
    raw = json.loads(path.read_text())
    bare = [{name: value for name, value in item.items() if name != "spki"} for item in raw["keys"]]
    path.write_text(json.dumps(raw | {"keys": bare}))
    check_keys()
    assert json.loads(path.read_text()) == raw
    store = KeyStore.open(node.keys)
    log, witness = (store.path_of(store.current(use, now)) for use in (KeyUse.LOG, KeyUse.WITNESS))
    log.write_bytes(witness.read_bytes())
    queries.own().signer(now)  # does not need it
    with pytest.raises(KeyStoreDamaged, match="another key than the one listed"):
        check_keys()


def test_the_keys_of_another_side_are_refused(settings, node, store_of):
    settings.NODE.keys.rename(settings.NODE.keys.with_name("away"))
    store_of("gd").directory.rename(settings.NODE.keys)
    with pytest.raises(KeyStoreDamaged, match="keys of `gd`, not `hk`"):
        queries.own()


def test_a_missing_key_store_is_our_error(node):
    node.keys.rename(node.keys.with_name("away"))
    with pytest.raises(KouanError, match=str(node.keys)):
        queries.own()
