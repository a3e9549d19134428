"""The ``kouan`` program: parse, call, print. What it does lives elsewhere."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any

import click

from kouan import __version__
from kouan.apps.attached.commands import declarations, system
from kouan.apps.dataflow.commands import dataflow
from kouan.apps.evidence.commands import evidence
from kouan.apps.files.commands import file
from kouan.apps.identity.commands import service
from kouan.apps.operations.commands import catalogue, health
from kouan.apps.programme.commands import programme
from kouan.apps.services.commands import services
from kouan.apps.signing.commands import signing
from kouan.apps.validation.commands import institution
from kouan.config import NODE_VARIABLE
from kouan.core.exchange.commands import ledger, reconcile
from kouan.core.exchange.keycommands import trust
from kouan.core.exchange.recovery.commands import channel
from kouan.core.running import in_one_line
from kouan.node.accounts import user
from kouan.node.backup import backup, restore
from kouan.node.layout import environment_of
from kouan.node.moving import move_database


class _Program(click.Group):
    """The program; whatever is wrong ends as one line and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        with in_one_line():
            return super().invoke(ctx)


@click.group(cls=_Program)
@click.version_option(__version__, prog_name="kouan")
@click.option(
    "--node",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The node.toml of the side to work on (or set {NODE_VARIABLE}).",
)
def main(node: Path | None) -> None:
    """Kouan (口岸): the node with which two governments co-operate without sharing a database."""
    gc.set_threshold(50_000, 20, 20)  # a command loads much and throws little away
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kouan.settings")
    path = node or _node_path()
    if node is not None or path.exists():
        os.environ.update(environment_of(path))


for command in (
    trust, channel, institution, system, declarations, service, dataflow, evidence, services,
    programme, signing, user, catalogue, file, health, ledger, reconcile, backup, restore,
    move_database,
):  # fmt: skip
    main.add_command(command)


@main.command()
@click.argument("home", type=click.Path(path_type=Path, file_okay=False))
@click.option("--side", required=True, help="Which side this node is: hk, gd, mo or one of your own.")
@click.option(
    "--portal", default="127.0.0.1:8100", show_default=True, help="Where people reach it, host:port."
)
@click.option("--door", default="127.0.0.1:8101", show_default=True, help="Where peers reach it, host:port.")
@click.option(
    "--portal-origin", default="", help="How people write the portal's address, if not as it listens."
)
@click.option("--door-url", default="", help="How peers write the door's address, if not as it listens.")
def init(  # noqa: PLR0913, PLR0917 - one option each
    home: Path, side: str, portal: str, door: str, portal_origin: str, door_url: str
) -> None:
    """Lay out a new node: its settings, its secret and its keys."""
    from kouan.node.layout import NewNode, create  # noqa: PLC0415 - keeps `kouan --help` quick

    new = NewNode(side=side, portal=portal, door=door, portal_origin=portal_origin, door_url=door_url)
    path = create(home, new)
    click.echo(
        f"{path} and the keys beside it are made. Next: look through {path}, then\n"
        f"  kouan --node {path} migrate\n"
        f"  kouan --node {path} trust export --out {side}.trust"
    )


@main.command()
def node() -> None:
    """Run this node: portal, door and worker, until Ctrl-C or SIGTERM."""
    from kouan.node.run import run_node  # noqa: PLC0415 - keeps `kouan --help` quick

    run_node(_node_path())


@main.command()
@click.argument("name", type=click.Choice(["portal", "door", "worker"]))
def serve(name: str) -> None:
    """Run one of this node's processes, for a process manager of your own."""
    from kouan.node.servers import run_process  # noqa: PLC0415 - keeps `kouan --help` quick

    run_process(name)


@main.command()
def worker() -> None:
    """Run one worker of this node: the same as `kouan serve worker`. Several may run, on several machines."""
    from kouan.node.servers import run_process  # noqa: PLC0415 - keeps `kouan --help` quick

    run_process("worker")


@main.command()
def migrate() -> None:
    """Bring this node's database to the present version, and check what must hold before the node starts."""
    import django  # noqa: PLC0415 - only commands of a node pay for it
    from django.conf import settings  # noqa: PLC0415 - as above
    from django.core.management import call_command  # noqa: PLC0415 - as above

    from kouan.node.run import check  # noqa: PLC0415 - as above

    django.setup()
    call_command("migrate", verbosity=1, interactive=False)
    check(settings.NODE)


@main.command()
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".kouan"),
    show_default=True,
    help="Where both sides' folders are.",
)
@click.option("--reset", is_flag=True, help="Begin with empty databases and new keys.")
def up(home: Path, *, reset: bool) -> None:
    """Run a demonstration of both sides on this machine: Hong Kong on port 8100, Guangdong on 8200."""
    from kouan.demo.up import run_both  # noqa: PLC0415 - keeps `kouan --help` quick

    sys.exit(run_both(home, reset=reset))


@main.command()
@click.argument("name", default="validation")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to leave what came out; by default a new folder under the temporary one.",
)
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="NAME",
    help="For validation: a kind of paper, or all.",
)
def demo(name: str, out: Path | None, scenarios: tuple[str, ...]) -> None:
    """Show one capability on a throw-away pair of nodes, step by step, without a browser."""
    from kouan.demo import DEMONSTRATIONS, run_demo  # noqa: PLC0415 - keeps `kouan --help` quick

    if name not in DEMONSTRATIONS:
        raise click.ClickException(
            f"There is no demonstration {name!r}. There are: {', '.join(sorted(DEMONSTRATIONS))}."
        )
    if scenarios:
        from kouan.demo.papers import papers  # noqa: PLC0415 - keeps `kouan --help` quick

        known = [paper.name for paper in papers()]
        if name != "validation" or not {*scenarios} <= {*known, "all"}:
            raise click.ClickException(f"The scenarios, of validation alone, are: all, {', '.join(known)}.")
        scenarios = tuple(known) if "all" in scenarios else scenarios
    sys.exit(run_demo(name, out, scenarios))


@main.command()
@click.argument("bundle", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--trust",
    multiple=True,
    metavar="SIDE=FINGERPRINT",
    help="A fingerprint that you know from elsewhere, such as hk=3f9a…; may be given for each side.",
)
@click.option(
    "--witness", multiple=True, metavar="KEY", help="The verifier key of a further witness, from elsewhere."
)
@click.option(
    "--authority",
    multiple=True,
    metavar="FINGERPRINT",
    help="SHA-256 of a time-stamping authority's root certificate, from elsewhere; others do not count.",
)
@click.option(
    "--trust-document",
    "newer",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A side's present trust document: what it reports compromised counts, however old the bundle is.",
)
@click.option("--quorum", default=1, show_default=True, help="How many witnesses must have co-signed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.option(
    "--language", default="en", type=click.Choice(["en", "zh-hant", "zh-hans"]), help="Of the report."
)
def verify(  # noqa: PLR0913, PLR0917 - one option each
    bundle: Path,
    trust: tuple[str, ...],
    witness: tuple[str, ...],
    authority: tuple[str, ...],
    newer: tuple[Path, ...],
    quorum: int,
    language: str,
    *,
    as_json: bool,
) -> None:
    """Check an evidence bundle offline: no network, no database. Exit status 1 if anything is wrong."""
    from kouan.node.verification import Known, print_report  # noqa: PLC0415 - keeps `kouan --help` quick

    known = Known(trust, witness, authority, quorum, newer)
    sys.exit(0 if print_report(bundle, trust, language, as_json=as_json, known=known) else 1)


def _node_path() -> Path:
    return Path(os.environ.get(NODE_VARIABLE, "node.toml"))


if __name__ == "__main__":
    main()
