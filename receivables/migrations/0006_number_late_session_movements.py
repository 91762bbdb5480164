"""Movements that were posted after their session's closing become its numbered supplements (G.11)."""

from django.db import migrations

NUMBER = """
UPDATE receivables_cashmovement
SET session_supplement_of_id = late.closing_id, session_supplement_number = late.number
FROM (
    SELECT movement.id, closing.id AS closing_id,
           ROW_NUMBER() OVER (PARTITION BY closing.id ORDER BY movement.id) AS number
    FROM receivables_cashmovement movement
    JOIN receivables_cashsessionclosing closing ON closing.session_id = movement.session_id
    WHERE movement.posted_at > closing.posted_at
) late
WHERE late.id = receivables_cashmovement.id
"""


class Migration(migrations.Migration):
    dependencies = [("receivables", "0005_count_cash_days")]

    operations = [migrations.RunSQL(NUMBER, migrations.RunSQL.noop)]
