from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dataflow", "0004_notices_and_erasures")]

    operations = [
        migrations.AddIndex(
            model_name="dataconsent",
            index=models.Index(
                condition=models.Q(("withdrawn_at__isnull", False)),
                fields=["withdrawn_at"],
                name="dataflow_consent_withdrawn",
            ),
        ),
    ]
