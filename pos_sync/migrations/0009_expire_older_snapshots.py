from django.db import migrations
from django.utils import timezone


def expire(apps, schema_editor):
    """Pages are frozen in another form now: tills take a new snapshot."""
    apps.get_model('pos_sync', 'Snapshot').objects.filter(expires_at__gt=timezone.now()).update(
        expires_at=timezone.now()
    )


class Migration(migrations.Migration):

    dependencies = [
        ('pos_sync', '0008_fewer_indexes_of_operations'),
    ]

    operations = [
        migrations.RunPython(expire, migrations.RunPython.noop),
    ]
