from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dataflow", "0005_withdrawn")]

    operations = [
        migrations.RemoveIndex(model_name="decision", name="dataflow_decision_outcome"),
        migrations.RemoveIndex(model_name="decision", name="dataflow_decision_contract"),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(
                condition=models.Q(("allowed", False)), fields=["at"], name="dataflow_decision_denied"
            ),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(
                condition=models.Q(("allowed", False)),
                fields=["contract", "at"],
                name="dataflow_decision_denied_under",
            ),
        ),
    ]
