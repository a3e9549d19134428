from __future__ import annotations

from kouan.core.watch import meters


def answered(view, status):
    labels = {"view": view, "status": str(status)}
    return meters.REGISTRY.get_sample_value("kouan_portal_requests_total", labels) or 0


def test_a_request_is_counted_by_its_view_and_has_an_id(client, db):
    before = answered("web:health", 200), answered("other", 404)
    first, second = client.get("/health"), client.get("/health?holder=A123456(7)")
    client.get("/no/such/A123456(7)")
    assert (answered("web:health", 200), answered("other", 404)) == (before[0] + 2, before[1] + 1)
    assert first.headers["Kouan-Request"] != second.headers["Kouan-Request"]
    names = [sample.labels for family in meters.PORTAL.collect() for sample in family.samples]
    assert not [labels for labels in names if "A123456" in str(labels)]
