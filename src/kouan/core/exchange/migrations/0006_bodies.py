import django.db.models.deletion
from django.db import migrations, models

_OUT = "exchange_outboxmessage"
_IN = "exchange_inboxmessage"


def _moved(table, bodies):
    """Move what is in a table's column ``body`` to a table of its own, and the other way round."""
    return [
        migrations.RunSQL(
            f"INSERT INTO {bodies} (id, body) SELECT id, body FROM {table} WHERE body IS NOT NULL",
            f"UPDATE {table} SET body = (SELECT body FROM {bodies} WHERE {bodies}.id = {table}.id)",
        ),
        migrations.RunSQL(f"UPDATE {table} SET size = length(body)", migrations.RunSQL.noop),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0005_incidents_and_times"),
    ]

    operations = [
        migrations.CreateModel(
            name="OutboxBody",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        db_column="id",
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="content",
                        serialize=False,
                        to="exchange.outboxmessage",
                    ),
                ),
                ("body", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="InboxBody",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        db_column="id",
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="content",
                        serialize=False,
                        to="exchange.inboxmessage",
                    ),
                ),
                ("body", models.BinaryField()),
            ],
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="size",
            field=models.IntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="inboxmessage",
            name="size",
            field=models.IntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="outboxmessage",
            name="body",
            field=models.BinaryField(null=True),
        ),
        *_moved(_OUT, "exchange_outboxbody"),
        *_moved(_IN, "exchange_inboxbody"),
        migrations.RemoveField(model_name="outboxmessage", name="body"),
        migrations.RemoveField(model_name="inboxmessage", name="body"),
        migrations.RemoveIndex(model_name="outboxmessage", name="outbox_line"),
        migrations.RemoveIndex(model_name="outboxmessage", name="outbox_expiry"),
        migrations.RemoveIndex(model_name="inboxmessage", name="inbox_to_notify"),
        migrations.AddIndex(
            model_name="outboxmessage",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["peer", "id"], name="outbox_line"
            ),
        ),
        migrations.AddIndex(
            model_name="outboxmessage",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["state", "expires_at"], name="outbox_expiry"
            ),
        ),
        migrations.AddIndex(
            model_name="inboxmessage",
            index=models.Index(
                condition=models.Q(("notified", False), ("state__in", ["handled", "refused"])),
                fields=["peer", "id"],
                name="inbox_to_notify",
            ),
        ),
    ]
