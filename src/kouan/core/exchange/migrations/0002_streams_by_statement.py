from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("exchange", "0001_initial")]

    operations = [
        migrations.RenameField("stream", "out_root", "out_last"),
        migrations.RenameField("stream", "in_root", "in_last"),
    ]
