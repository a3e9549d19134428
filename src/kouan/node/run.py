"""``kouan node``: one side's node with all its processes, in the foreground."""

from __future__ import annotations

import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kouan.config import NODE_VARIABLE, ConfigError, load
from kouan.core.watch import logs, traces
from kouan.node import forks
from kouan.node.accounts import DEMONSTRATION_GROUP
from kouan.node.layout import environment_of
from kouan.node.supervisor import Supervisor, processes_of

if TYPE_CHECKING:
    from kouan.config import NodeConfig


def run_node(path: Path) -> None:
    """Run the node at ``path`` until SIGINT or SIGTERM; raises ``ConfigError`` before anything starts."""
    config = load(path, environment_of(path))
    if config.watch.logs == "json":
        logs.configure("node", config.side, "json")
    else:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if config.watch.traces:
        traces.check_installed()
    os.environ.update(environment_of(path))
    from kouan.node import servers  # noqa: PLC0415 - loaded only now

    servers.load()
    forks.alone(partial(prepare, path))
    supervisor = Supervisor(processes_of(path, run=servers.run_process))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, supervisor.ask_to_stop)
    try:
        supervisor.start()
        logging.getLogger(__name__).info(
            "%s: portal %s, door %s", config.side, config.portal_origin, config.door_url
        )
        supervisor.watch()
    finally:
        supervisor.stop()


def prepare(path: Path) -> None:
    """Check what must hold before a node starts, and bring its database to the present version."""
    from django.core.management import call_command  # noqa: PLC0415 - needs Django's set-up

    call_command("migrate", verbosity=0, interactive=False)
    check(load(path, environment_of(path)))


def check(config: NodeConfig) -> None:
    """Check what must hold before a node starts, once its database is ready; raises ``ConfigError``."""
    from kouan.core.policy import AgreementFileError, policy_of  # noqa: PLC0415 - needs Django's set-up
    from kouan.core.sides import get_side  # noqa: PLC0415 - as above
    from kouan.core.trust.services import check_keys  # noqa: PLC0415 - as above

    get_side(config.side)
    check_keys()
    _refuse_demonstration_accounts(config)
    try:
        policy_of(config.agreements)
    except AgreementFileError as error:
        raise ConfigError(str(error)) from None


def _refuse_demonstration_accounts(config: NodeConfig) -> None:
    from django.contrib.auth.models import User  # noqa: PLC0415 - needs Django's set-up

    made_up = User.objects.filter(groups__name=DEMONSTRATION_GROUP).order_by("username").first()
    if made_up is not None and not config.demonstration:
        raise ConfigError(
            f"The database holds the demonstration account {made_up.username!r}, and this node is not a "
            "demonstration. Begin with an empty database."
        )


if __name__ == "__main__":
    try:
        run_node(Path(os.environ[NODE_VARIABLE]))
    except ConfigError as error:
        sys.exit(str(error))
