import django.db.models.deletion
from django.db import migrations, models


def keep_as_it_comes(apps, schema_editor):
    """Have PostgreSQL store sealed batches without trying to compress what cannot be compressed."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE exchange_batch ALTER COLUMN wire SET STORAGE EXTERNAL")


def compress_again(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE exchange_batch ALTER COLUMN wire SET STORAGE EXTENDED")


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0006_bodies"),
    ]

    operations = [
        migrations.RunPython(keep_as_it_comes, compress_again, elidable=False),
        migrations.RemoveConstraint(
            model_name="inboxmessage",
            name="inbox_once",
        ),
        migrations.AddConstraint(
            model_name="inboxmessage",
            constraint=models.UniqueConstraint(fields=("message_id", "peer"), name="inbox_once"),
        ),
        migrations.AddIndex(
            model_name="inboxmessage",
            index=models.Index(
                condition=models.Q(("next_attempt_at__isnull", False), ("state", "waiting")),
                fields=["next_attempt_at"],
                name="inbox_held",
            ),
        ),
        migrations.AlterField(
            model_name="inboxbody",
            name="message",
            field=models.OneToOneField(
                db_column="id",
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="content",
                serialize=False,
                to="exchange.inboxmessage",
            ),
        ),
        migrations.AlterField(
            model_name="inboxmessage",
            name="batch",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="exchange.receivedbatch",
            ),
        ),
        migrations.AlterField(
            model_name="outboxbody",
            name="message",
            field=models.OneToOneField(
                db_column="id",
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="content",
                serialize=False,
                to="exchange.outboxmessage",
            ),
        ),
        migrations.AlterField(
            model_name="outboxmessage",
            name="batch",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="exchange.batch",
            ),
        ),
    ]
