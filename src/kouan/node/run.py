"""``kouan node``: one side's node with all its processes, in the foreground."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING

from kouan.config import ConfigError, load
from kouan.core.watch import logs, traces
from kouan.node.accounts import DEMONSTRATION_GROUP
from kouan.node.layout import environment_of
from kouan.node.supervisor import Supervisor

if TYPE_CHECKING:
    from pathlib import Path

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
    prepare(path)
    supervisor = Supervisor([path])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, supervisor.ask_to_stop)
    supervisor.start()
    logging.getLogger(__name__).info(
        "%s: portal %s, door %s", config.side, config.portal_origin, config.door_url
    )
    try:
        supervisor.watch()
    finally:
        supervisor.stop()


def prepare(path: Path) -> None:
    """Check what must hold before a node starts, and bring its database to the present version."""
    import django  # noqa: PLC0415 - this process becomes one of the node's
    from django.core.management import call_command  # noqa: PLC0415 - as above

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    from kouan.core.policy import AgreementFileError, policy_of  # noqa: PLC0415 - needs Django's set-up
    from kouan.core.sides import get_side  # noqa: PLC0415 - as above
    from kouan.core.trust.queries import own  # noqa: PLC0415 - as above

    config = load(path, environment_of(path))
    get_side(config.side)
    own()
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
