from __future__ import annotations

import http.client
import socket
import time

from kouan.config import Address
from kouan.core.watch import listener, meters
from kouan.demo.nodes import free_ports


def ask(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def _told(caplog):
    return [record for record in caplog.records if "cannot be served" in record.getMessage()]


def test_a_process_tells_its_metrics_once_its_port_is_free(monkeypatch, caplog):
    monkeypatch.setattr(listener, "_PAUSE", 0.05)
    (port,) = free_ports(1)
    taken = socket.create_server(("127.0.0.1", port))
    listener.listen("portal", "hk", Address("127.0.0.1", port))
    deadline = time.monotonic() + 20
    while not _told(caplog):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)  # several tries more, which are told of no more
    taken.close()
    while True:
        try:
            text = ask(port)
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert 'kouan_build_info{process="portal",' in text
    assert "python_gc_objects_collected_total" in text
    assert "process_open_fds" in text
    assert len(_told(caplog)) == 1


def test_describing_twice_registers_once():
    meters.describe(process="portal", side="hk")
    meters.describe(process="door", side="hk")
    assert meters.REGISTRY.get_sample_value("process_start_time_seconds") is not None
