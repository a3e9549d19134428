"""``kouan programme plan``: the joint work plan from a shell, step by step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.programme.models import Subject


_officer = click.option(
    "--officer", required=True, help="The officer's name, and the post in which they sign."
)


@click.group()
def plan() -> None:
    """Draft, sign and follow the joint work plan of a year."""


@plan.command("list")
@on_the_node
def list_() -> None:
    """List every proposal: year, the other side, version, author, state and digest."""
    from kouan.apps.programme.models import Version  # noqa: PLC0415 - needs Django's models

    rows = Version.objects.filter(subject__kind="plan").select_related("subject")
    for row in rows.order_by("subject__year", "created_at"):
        click.echo(
            f"{row.subject.year}\t{row.subject.peer}\t{row.number}\t{row.author}\t{row.state}\t"
            f"{bytes(row.digest).hex()}"
        )


@plan.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--peer", required=True, help="The other side.")
@click.option("--year", type=int, required=True, help="The year in which the plan begins.")
@_officer
@on_the_node
def propose(file: Path, peer: str, year: int, officer: str) -> None:
    """Sign the plan in FILE (JSON) and put it before the other side; print its digest."""
    from kouan.apps.programme.models import Draft, Subject  # noqa: PLC0415 - needs Django's models
    from kouan.apps.programme.plan import drafting, errors, negotiating, queries  # noqa: PLC0415 - as above

    try:
        value = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        raise errors.IllFormedText(detail="JSON") from None
    subject = Subject.objects.filter(kind="plan", peer=peer, year=year).first()
    draft = None if subject is None else Draft.objects.filter(subject=subject).first()
    if draft is None and subject is not None and (newest := queries.versions(subject)):
        draft = drafting.from_version(version=newest[0], officer=officer)
    if draft is None:
        draft = drafting.begin(peer=peer, year=year, officer=officer)
    draft = drafting.read_in(subject=draft.subject, edition=draft.edition, officer=officer, value=value)
    row = negotiating.propose(subject=draft.subject, edition=draft.edition, officer=officer)
    click.echo(bytes(row.digest).hex())


@plan.command()
@click.argument("digest")
@_officer
@on_the_node
def accept(digest: str, officer: str) -> None:
    """Sign the other side's proposal DIGEST: it is in effect from then on."""
    from kouan.apps.programme.plan import negotiating, queries  # noqa: PLC0415 - needs Django's models

    row = negotiating.accept(digest=bytes(queries.by_key(digest).digest), officer=officer)
    click.echo(row.state)


@plan.command()
@click.argument("digest")
@click.option("--reason", required=True, help="What the other side is told.")
@on_the_node
def refuse(digest: str, reason: str) -> None:
    """Refuse the other side's proposal DIGEST."""
    from kouan.apps.programme.plan import negotiating, queries  # noqa: PLC0415 - needs Django's models

    row = negotiating.refuse(digest=bytes(queries.by_key(digest).digest), reason=reason[:400])
    click.echo(row.state)


@plan.command()
@click.argument("digest")
@click.option("--reason", required=True, help="What the other side is told.")
@on_the_node
def withdraw(digest: str, reason: str) -> None:
    """Take this side's proposal DIGEST off the table."""
    from kouan.apps.programme.plan import negotiating, queries  # noqa: PLC0415 - needs Django's models

    row = negotiating.withdraw(digest=bytes(queries.by_key(digest).digest), reason=reason[:400])
    click.echo(row.state)


@plan.command()
@click.argument("item")
@click.argument("about", type=click.Choice(["state", "measure", "milestone"]))
@click.argument("value")
@click.option("--peer", required=True, help="The other side.")
@click.option("--year", type=int, required=True, help="The year in which the plan begins.")
@click.option("--part", default="", help="Which measure or milestone.")
@click.option("--source", required=True, help="Where the figure comes from.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day; today if not given.")
@on_the_node
def report(  # noqa: PLR0913, PLR0917 - one option each
    item: str, about: str, value: str, peer: str, year: int, part: str, source: str, day: datetime | None
) -> None:
    """Report how ITEM stands, a measure's figure, or a milestone; print the report's number."""
    from kouan.apps.programme.plan import reporting  # noqa: PLC0415 - needs Django's models

    row = reporting.report(
        subject=_subject(peer, year),
        item=item,
        about=about,
        part=part,
        value=value,
        day=day.date() if day is not None else reporting.today(),
        source=source,
    )
    click.echo(str(row.key))


@plan.command()
@on_the_node
def feed() -> None:
    """Report the figures that this node counts by itself now, not only at the next look."""
    from kouan.apps.programme.plan import reporting  # noqa: PLC0415 - needs Django's models

    reporting.feed()
    click.echo(_("Done."))


@plan.command()
@click.option("--peer", required=True, help="The other side.")
@click.option("--year", type=int, required=True, help="The year in which the plan begins.")
@click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write the annual review there.")
@on_the_node
def show(peer: str, year: int, pdf: Path | None) -> None:
    """Print the plan in effect and how it stands as JSON, with every report and its crossing."""
    from kouan.apps.programme.plan import exporting, queries, review  # noqa: PLC0415 - needs Django's models

    board = queries.board(_subject(peer, year))
    if pdf is not None:
        pdf.write_bytes(review.rendered(board))
    click.echo(json.dumps(exporting.as_json(board), ensure_ascii=False, indent=2))


def _subject(peer: str, year: int) -> Subject:
    from kouan.apps.programme.plan import queries  # noqa: PLC0415 - needs Django's models

    return queries.plan_subject(peer, year)
