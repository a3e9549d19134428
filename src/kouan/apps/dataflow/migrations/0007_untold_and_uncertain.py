from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dataflow", "0006_denied")]

    operations = [
        migrations.AddField("erasurerequest", "message_id", models.UUIDField(null=True)),
        migrations.AddField("filing", "counted_from", models.DateField(null=True)),
        migrations.AddField("filing", "uncertain", models.BooleanField(default=False)),
        migrations.AddField("record", "untold", models.BooleanField(default=False)),
        migrations.AddIndex(
            "record",
            models.Index(condition=models.Q(("untold", True)), fields=["id"], name="dataflow_record_untold"),
        ),
    ]
