from django.db import migrations, models

# As the declarations were when bodies got a term. What nobody declares here may be about anybody.
_HANDLED = (
    "dataflow.record",
    "identity.match-answer",
    "identity.match-question",
    "services.applicant",
    "services.application",
)
_ON_RECORD = (
    "dataflow.consent-withdrawn",
    "dataflow.contract",
    "dataflow.contract-answer",
    "dataflow.contract-end",
    "dataflow.erased",
    "dataflow.erasure-request",
    "dataflow.filing",
    "dataflow.use",
    "evidence.issuer",
    "evidence.status",
    "exchange.key-set",
    "exchange.key-set-answer",
    "exchange.probe",
    "exchange.reconciliation",
    "files.file",
    "identity.consent-withdrawn",
    "identity.provider",
    "identity.sign-out",
    "identity.unlink",
    "programme.answer",
    "programme.meeting",
    "programme.paper",
    "programme.proposal",
    "programme.report",
    "programme.withdrawal",
    "services.catalogue",
    "services.published",
    "services.wanted",
    "signing.trust-list",
    "signing.trust-list-answer",
    "validation.answer",
    "validation.question",
)


def say_how_long(apps, _schema_editor):
    """Say of each body that is here how long it stays."""
    for bodies, messages in (("InboxBody", "InboxMessage"), ("OutboxBody", "OutboxMessage")):
        body = apps.get_model("exchange", bodies).objects.all()
        message = apps.get_model("exchange", messages).objects
        handled = message.filter(type__in=_HANDLED).values("pk")
        stays = message.filter(type__in=_ON_RECORD).values("pk")
        body.filter(pk__in=handled).update(keep="until-handled")
        body.filter(keep__isnull=True).exclude(pk__in=stays).update(keep="term")


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0008_untold_failures"),
    ]

    operations = [
        migrations.AddField(
            model_name="inboxbody",
            name="keep",
            field=models.CharField(max_length=16, null=True),
        ),
        migrations.AddField(
            model_name="outboxbody",
            name="keep",
            field=models.CharField(max_length=16, null=True),
        ),
        migrations.RunPython(say_how_long, migrations.RunPython.noop, elidable=False),
        migrations.AddIndex(
            model_name="inboxbody",
            index=models.Index(
                condition=models.Q(("keep__isnull", False)),
                fields=["keep", "message"],
                name="inbox_bodies_that_go",
            ),
        ),
        migrations.AddIndex(
            model_name="outboxbody",
            index=models.Index(
                condition=models.Q(("keep__isnull", False)),
                fields=["keep", "message"],
                name="outbox_bodies_that_go",
            ),
        ),
    ]
