"""``kouan dataflow``: contracts as files and by number, and access tokens of their institutions."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node

if TYPE_CHECKING:
    import uuid

    from kouan.apps.dataflow.models import Contract


@click.group()
def dataflow() -> None:
    """Contracts for the flow of data between institutions, and those institutions' systems."""


@dataflow.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@on_the_node
def draft(file: Path) -> None:
    """Keep the terms in FILE (JSON) as a draft, and print the contract's number."""
    import rfc8785  # noqa: PLC0415 - `kouan --help` is quick without

    from kouan.apps.dataflow import contracts, errors  # noqa: PLC0415 - needs Django's models
    from kouan.apps.dataflow.domain import BadTerms, read_terms  # noqa: PLC0415 - as above

    try:
        terms = read_terms(rfc8785.dumps(json.loads(file.read_bytes())))
    except BadTerms as error:
        raise errors.IllFormedTerms(detail=str(error)) from None
    except (ValueError, RecursionError):
        raise errors.IllFormedTerms(detail="JSON") from None
    click.echo(str(contracts.draft(terms).contract))


@dataflow.command("policy")
@click.argument("number", type=click.UUID)
@on_the_node
def policy_(number: uuid.UUID) -> None:
    """Print the contract NUMBER, its newest version, as an ODRL policy (JSON-LD)."""
    from kouan.apps.dataflow import exporting  # noqa: PLC0415 - needs Django's models
    from kouan.apps.dataflow.queries.contracts import policy_of  # noqa: PLC0415 - as above

    click.echo(exporting.written(policy_of(_newest(number))), nl=False)


@dataflow.command("draft-policy")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@on_the_node
def draft_policy(file: Path) -> None:
    """Keep the ODRL policy in FILE (JSON-LD, as `policy` prints it) as a draft, and print its number."""
    from kouan.apps.dataflow import contracts, odrl  # noqa: PLC0415 - needs Django's models

    click.echo(str(contracts.draft(odrl.to_terms(file.read_bytes())).contract))


@dataflow.command()
@click.option("--count", type=click.IntRange(1), help="How many, taken at random; all if not given.")
@click.option("--records", is_flag=True, help="Only records under contracts of institutions.")
@on_the_node
def audit(count: int | None, *, records: bool) -> None:
    """Prove from both ledgers that a contract or an agreement let each message with personal data cross.

    The other sides' nodes are asked for their ledgers' entries. Prints what is missing, and ends with
    status 1 if anything is.
    """
    from kouan.apps.dataflow import auditing  # noqa: PLC0415 - needs Django's models

    rows, most = auditing.sample(count, records_only=records, patient=True)
    for row in rows:
        for found in row.found:
            if not found.holds:
                click.echo(f"{row.message_id}\t{row.type}\t{_(found.what)}\t{found.missing}")
    proven = sum(row.proven for row in rows)
    told = {"proven": proven, "count": len(rows), "most": most}
    click.echo(_("%(proven)s of %(count)s proven from both ledgers, out of %(most)s that crossed.") % told)
    if proven < len(rows):
        raise SystemExit(1)


@dataflow.command("contracts")
@on_the_node
def contracts_() -> None:
    """List the contracts: number, version, state, parties and term."""
    from kouan.apps.dataflow.models import Contract  # noqa: PLC0415 - needs Django's models

    for row in Contract.objects.order_by("contract", "version"):
        click.echo(
            f"{row.contract}\t{row.version}\t{row.state}\t{row.exporter} → {row.importer}\t"
            f"{row.effective} – {row.expires}"
        )


@dataflow.command()
@click.argument("number", type=click.UUID)
@click.option("--officer", required=True, help="The officer's name, and the post in which they sign.")
@on_the_node
def sign(number: uuid.UUID, officer: str) -> None:
    """Sign the contract NUMBER: what this side drafted goes to the other side, which signs then."""
    from kouan.apps.dataflow import contracts  # noqa: PLC0415 - needs Django's models
    from kouan.apps.dataflow.domain import State  # noqa: PLC0415 - as above

    row = _newest(number)
    step = contracts.propose if row.state == State.DRAFT else contracts.sign
    done = step(digest=bytes(row.digest), officer=officer)
    click.echo(f"{done.contract}\t{done.version}\t{done.state}")


@dataflow.command()
@click.argument("number", type=click.UUID)
@click.option("--reason", required=True, help="What the other side is told.")
@on_the_node
def refuse(number: uuid.UUID, reason: str) -> None:
    """Refuse what the other side proposed."""
    from kouan.apps.dataflow import contracts  # noqa: PLC0415 - needs Django's models

    contracts.refuse(digest=bytes(_newest(number).digest), reason=reason[:400])
    click.echo(_("Done."))


@dataflow.command()
@click.argument("number", type=click.UUID)
@click.option(
    "--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day of the filing; today if not given."
)
@click.option("--reference", default="", help="The authority's number for it.")
@on_the_node
def filed(number: uuid.UUID, day: datetime | None, reference: str) -> None:
    """Note that this side's party has filed the contract NUMBER with its authority."""
    from kouan.apps.dataflow import contracts, filings  # noqa: PLC0415 - needs Django's models

    on: date = day.date() if day is not None else contracts.today()
    filings.filed(digest=bytes(_newest(number).digest), filed_on=on, reference=reference[:64])
    click.echo(_("Done."))


@dataflow.command()
@click.argument("number", type=click.UUID)
@click.option("--reason", required=True, help="What the other side is told.")
@on_the_node
def end(number: uuid.UUID, reason: str) -> None:
    """End the contract NUMBER from today on, before its term."""
    from kouan.apps.dataflow import contracts  # noqa: PLC0415 - needs Django's models

    contracts.end(digest=bytes(_newest(number).digest), reason=reason[:400])
    click.echo(_("Done."))


@dataflow.command()
@click.argument("code")
@click.option("--name", required=True, help="Which system the token is for.")
@click.option(
    "--days", type=click.IntRange(1, 1825), default=365, show_default=True, help="How long it works."
)
@on_the_node
def token(code: str, name: str, days: int) -> None:
    """Make an access token for a system of the institution CODE, and print it this once."""
    from kouan.apps.dataflow import access  # noqa: PLC0415 - needs Django's models

    click.echo(access.issue(institution=code, name=name, life=timedelta(days=days)))
    click.echo(_("Keep it secret. It cannot be shown again."), err=True)


@dataflow.command()
@click.argument("code")
@on_the_node
def tokens(code: str) -> None:
    """List the tokens of the institution CODE by their first characters."""
    from kouan.apps.dataflow.models import InstitutionAccess  # noqa: PLC0415 - needs Django's models

    for row in InstitutionAccess.objects.filter(institution=code).order_by("pk"):
        state = _("revoked") if row.revoked_at else f"{row.expires_at:%Y-%m-%d}"
        used = f"{row.last_used_at:%Y-%m-%d}" if row.last_used_at else "-"
        click.echo(f"{row.prefix}…\t{row.name}\t{state}\t{used}")


@dataflow.command("revoke-token")
@click.argument("code")
@click.argument("prefix")
@on_the_node
def revoke_token(code: str, prefix: str) -> None:
    """Revoke the token that begins with PREFIX (as `tokens` lists it)."""
    from kouan.apps.dataflow import access  # noqa: PLC0415 - needs Django's models

    if not access.revoke(institution=code, prefix=prefix.rstrip("…")):
        raise click.ClickException(_("The institution has no live token that begins so."))
    click.echo(_("Revoked."))


def _newest(number: uuid.UUID) -> Contract:
    """Return a contract's newest version; raises ``UnknownContract``."""
    from kouan.apps.dataflow.errors import UnknownContract  # noqa: PLC0415 - needs Django's set-up
    from kouan.apps.dataflow.models import Contract  # noqa: PLC0415 - as above

    found = Contract.objects.filter(contract=number).order_by("-version").first()
    if found is None:
        raise UnknownContract
    return found
