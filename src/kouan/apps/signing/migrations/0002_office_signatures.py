from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signing", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="OfficeSignature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=150)),
                ("signer", models.CharField(max_length=40)),
                ("certificate", models.BinaryField()),
                ("form", models.CharField(max_length=16)),
                ("file_name", models.CharField(max_length=255)),
                ("file_sha256", models.BinaryField()),
                ("sha256", models.BinaryField()),
                ("reason", models.CharField(default="", max_length=200)),
            ],
            options={"ordering": ("-at", "-pk")},
        ),
        migrations.CreateModel(
            name="SigningAccess",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("signers", models.JSONField(default=list)),
                ("archive", models.BooleanField(default=False)),
                ("prefix", models.CharField(max_length=40)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
            ],
            options={"ordering": ("pk",)},
        ),
        migrations.AddField(
            model_name="signingorder",
            name="signer",
            field=models.CharField(default="", max_length=40),
        ),
    ]
