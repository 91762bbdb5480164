"""Pages of snapshots are compressed already: PostgreSQL keeps them as they are, and does not try again."""

from django.db import migrations


def keep(storage):
    def alter(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"ALTER TABLE pos_sync_snapshotpage ALTER COLUMN body SET STORAGE {storage}")

    return alter


class Migration(migrations.Migration):
    dependencies = [("pos_sync", "0009_expire_older_snapshots")]

    operations = [migrations.RunPython(keep("EXTERNAL"), keep("EXTENDED"))]
