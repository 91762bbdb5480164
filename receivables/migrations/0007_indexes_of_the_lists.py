"""What the lists and searches of a large ledger stand on; PostgreSQL has four indexes more than the models can say.

Where the extension pg_trgm is not to be had, names are found by reading all customers (docs/operations.md).
"""

from django.db import migrations, models

ACCENTED = "ÁÀÂÃÄÉÊÍÓÔÕÖÚÜÇÑáàâãäéêíóôõöúüçñ"
BARE = "AAAAAEEIOOOOUUCNaaaaaeeioooouucn"

ON_POSTGRESQL = (
    "CREATE INDEX title_document_prefix ON receivables_title (UPPER(document_number::text) text_pattern_ops)",
    "CREATE INDEX receipt_number_prefix ON receivables_receipt (UPPER(number::text) text_pattern_ops)",
    "DROP INDEX installment_open_by_due_date",
    "CREATE INDEX installment_open_by_due_date ON receivables_installment (due_date) INCLUDE (balance, title_id) "
    "WHERE status IN ('pending', 'partially_settled')",
)
TRIGRAMS = "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
WITH_TRIGRAMS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX customer_plain_name_trigrams ON receivables_customer "
    f"USING gin (UPPER(TRANSLATE(name, '{ACCENTED}', '{BARE}')) gin_trgm_ops) WITH (fastupdate = off)",
)


def add(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        for statement in ON_POSTGRESQL:
            cursor.execute(statement)
        cursor.execute(TRIGRAMS)
        for statement in WITH_TRIGRAMS if cursor.fetchone() else ():
            cursor.execute(statement)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        for name in ("title_document_prefix", "receipt_number_prefix", "customer_plain_name_trigrams"):
            cursor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [("receivables", "0006_number_late_session_movements")]

    operations = [
        migrations.RemoveIndex(model_name="bankslip", name="receivables_our_num_e0d053_idx"),
        migrations.AddIndex(
            model_name="bankslip",
            index=models.Index(
                fields=["our_number"], name="bank_slip_our_number_prefix", opclasses=["varchar_pattern_ops"]
            ),
        ),
        migrations.AddIndex(
            model_name="installment", index=models.Index(fields=["due_date", "id"], name="installment_by_due_date")
        ),
        migrations.AddIndex(
            model_name="title", index=models.Index(fields=["status", "-id"], name="title_by_status")
        ),
        migrations.AddIndex(
            model_name="title", index=models.Index(fields=["amount", "-id"], name="title_by_amount")
        ),
        migrations.AddIndex(
            model_name="receipt", index=models.Index(fields=["received_on"], name="receipt_by_day")
        ),
        migrations.AddIndex(
            model_name="reversal", index=models.Index(fields=["reversed_on"], name="reversal_by_day")
        ),
        migrations.AddIndex(
            model_name="divergence",
            index=models.Index(fields=["branch"], condition=models.Q(status="open"), name="divergence_open"),
        ),
        migrations.RunPython(add, remove),
    ]
