"""The list of cash movements and its search, and that of new collections, stand on indexes; a PDF that was made is written down as well.

The notes of movements are indexed where there are any: what a till posts has none and costs nothing. Where the
extension pg_trgm is not to be had, notes are found by reading all movements (docs/operations.md).
"""

from django.db import migrations, models

ACCENTED = "ÁÀÂÃÄÉÊÍÓÔÕÖÚÜÇÑáàâãäéêíóôõöúüçñ"
BARE = "AAAAAEEIOOOOUUCNaaaaaeeioooouucn"

TRIGRAMS = "SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'"
NOTES = (
    "CREATE INDEX cash_movement_plain_notes_trigrams ON receivables_cashmovement "
    f"USING gin (UPPER(TRANSLATE(notes, '{ACCENTED}', '{BARE}')) gin_trgm_ops) WHERE notes <> ''"
)


def add(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(TRIGRAMS)
        if cursor.fetchone():
            cursor.execute(NOTES)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("DROP INDEX IF EXISTS cash_movement_plain_notes_trigrams")


class Migration(migrations.Migration):
    dependencies = [("receivables", "0008_know_billing_types")]

    operations = [
        migrations.RemoveConstraint(model_name="exportedlist", name="exported_list_format_known"),
        migrations.AlterField(
            model_name="exportedlist",
            name="file_format",
            field=models.CharField(
                choices=[("xlsx", "XLSX"), ("csv", "CSV"), ("pdf", "PDF")], max_length=4, verbose_name="format"
            ),
        ),
        migrations.AddConstraint(
            model_name="exportedlist",
            constraint=models.CheckConstraint(
                condition=models.Q(("file_format__in", ["xlsx", "csv", "pdf"])), name="exported_list_format_known"
            ),
        ),
        migrations.AddIndex(
            model_name="bankcollectionreissue",
            index=models.Index(
                fields=["our_number"], name="reissue_our_number_prefix", opclasses=["varchar_pattern_ops"]
            ),
        ),
        migrations.AddIndex(
            model_name="cashmovement",
            index=models.Index(fields=["cash_date", "id"], name="cash_movement_by_day"),
        ),
        migrations.RunPython(add, remove),
    ]
