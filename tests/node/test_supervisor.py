"""What the supervisor keeps running, as ``[processes]`` says."""

from __future__ import annotations

from kouan.node.layout import NewNode, create
from kouan.node.supervisor import processes_of


def test_each_worker_is_a_process_with_a_log_of_its_own(tmp_path):
    new = NewNode(
        side="gd", portal="127.0.0.1:18200", door="127.0.0.1:18201", processes={"portal": 2, "worker": 3}
    )
    processes = processes_of(create(tmp_path / "gd", new))
    assert [process.label for process in processes] == [
        "gd portal", "gd door", "gd worker", "gd worker 2", "gd worker 3",
    ]  # fmt: skip
    assert [process.log_file.name for process in processes] == [
        "portal.log", "door.log", "worker.log", "worker-2.log", "worker-3.log",
    ]  # fmt: skip
