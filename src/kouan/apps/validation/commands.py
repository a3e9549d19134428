"""``kouan institution``: issuing institutions, their officers, and their systems' access tokens."""

from __future__ import annotations

from datetime import timedelta

import click
from django.utils.translation import gettext as _

from kouan.apps.validation.bulk.commands import mark, register, revoke
from kouan.core.running import on_the_node
from kouan.core.text import Localised


@click.group()
def institution() -> None:
    """Issuing institutions: who they are, their officers, their systems."""


@institution.command()
@click.argument("code")
@click.option("--en", required=True, help="Its name in English.")
@click.option("--zh-hant", required=True, help="Its name in Traditional Chinese.")
@click.option("--zh-hans", required=True, help="Its name in Simplified Chinese.")
@on_the_node
def add(code: str, en: str, zh_hant: str, zh_hans: str) -> None:
    """Add the institution CODE (a-z, 0-9 and -), which may then register documents."""
    from kouan.apps.validation import services  # noqa: PLC0415 - needs Django's models

    for name in (en, zh_hant, zh_hans):
        if not name.strip() or len(name) > 200:  # noqa: PLR2004 - the model's and the answer's bound
            raise click.ClickException(_("A name has 1 to 200 characters."))
    services.add_institution(code=code, name=Localised(en=en, zh_hant=zh_hant, zh_hans=zh_hans))
    click.echo(_("Added %s.") % code)


@institution.command("list")
@on_the_node
def list_() -> None:
    """List the institutions with the number of their documents, officers and live tokens."""
    from django.db.models import Count, Q  # noqa: PLC0415 - needs Django's models

    from kouan.apps.validation.domain import JobState  # noqa: PLC0415 - as above
    from kouan.apps.validation.models import Institution  # noqa: PLC0415 - needs Django's models

    on_register = Q(documents__job__isnull=True) | Q(documents__job__state=JobState.DONE)
    rows = Institution.objects.order_by("code").annotate(
        documents_count=Count("documents", filter=on_register, distinct=True),
        officers=Count("memberships", distinct=True),
        live=Count("tokens", filter=Q(tokens__revoked_at__isnull=True), distinct=True),
    )
    for row in rows:
        click.echo(f"{row.code}\t{row.name}\t{row.documents_count}\t{row.officers}\t{row.live}")


@institution.command()
@click.argument("code")
@click.argument("username")
@click.option("--remove", is_flag=True, help="Take the institution from the officer instead.")
@on_the_node
def officer(code: str, username: str, *, remove: bool) -> None:
    """Let the account USERNAME act for the institution CODE."""
    from django.contrib.auth.models import User  # noqa: PLC0415 - needs Django's models

    from kouan.apps.validation import queries, services  # noqa: PLC0415 - needs Django's models

    found = queries.institution(code)
    user = User.objects.filter(username=username).first()
    if user is None:
        raise click.ClickException(_("There is no account %s.") % username)
    (services.remove_officer if remove else services.add_officer)(institution=found, user=user)
    click.echo(_("Done."))


@institution.command()
@click.argument("code")
@click.option("--name", required=True, help="Which system the token is for.")
@click.option(
    "--days", type=click.IntRange(1, 1825), default=365, show_default=True, help="How long it works."
)
@on_the_node
def token(code: str, name: str, days: int) -> None:
    """Make an access token for a system of the institution CODE, and print it this once."""
    from kouan.apps.validation import queries, services  # noqa: PLC0415 - needs Django's models

    made = services.issue_token(institution=queries.institution(code), name=name, life=timedelta(days=days))
    click.echo(made)
    click.echo(_("Keep it secret. It cannot be shown again."), err=True)


@institution.command()
@click.argument("code")
@on_the_node
def tokens(code: str) -> None:
    """List the tokens of the institution CODE by their first characters."""
    from kouan.apps.validation import queries  # noqa: PLC0415 - needs Django's models

    for row in queries.institution(code).tokens.order_by("pk"):
        state = _("revoked") if row.revoked_at else f"{row.expires_at:%Y-%m-%d}"
        used = f"{row.last_used_at:%Y-%m-%d}" if row.last_used_at else "-"
        click.echo(f"{row.prefix}…\t{row.name}\t{state}\t{used}")


@institution.command("revoke-token")
@click.argument("code")
@click.argument("prefix")
@on_the_node
def revoke_token(code: str, prefix: str) -> None:
    """Revoke the token that begins with PREFIX (as `tokens` lists it)."""
    from kouan.apps.validation import queries, services  # noqa: PLC0415 - needs Django's models

    if not services.revoke_token(institution=queries.institution(code), prefix=prefix.rstrip("…")):
        raise click.ClickException(_("The institution has no live token that begins so."))
    click.echo(_("Revoked."))


for command in (mark, register, revoke):
    institution.add_command(command)
