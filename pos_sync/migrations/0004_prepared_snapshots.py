"""Snapshots are built for a branch, not for a device: those of before lived a day and are forgotten."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pos_sync', '0003_change_feed'),
        ('receivables', '0008_know_billing_types'),
    ]

    operations = [
        migrations.DeleteModel(name='SnapshotPage'),
        migrations.DeleteModel(name='Snapshot'),
        migrations.CreateModel(
            name='Snapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('snapshot_id', models.CharField(max_length=32, unique=True, verbose_name='snapshot')),
                ('epoch', models.PositiveIntegerField(default=1, verbose_name='epoch')),
                ('business_date', models.DateField(verbose_name='business date')),
                ('page_size', models.PositiveIntegerField(verbose_name='rows a page')),
                ('cursor', models.TextField()),
                ('as_of', models.DateTimeField(verbose_name='as of')),
                ('expires_at', models.DateTimeField(verbose_name='expires at')),
                ('branch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='snapshots', to='receivables.branch', verbose_name='branch')),
            ],
            options={
                'verbose_name': 'snapshot',
                'verbose_name_plural': 'snapshots',
                'ordering': ['-as_of'],
                'indexes': [models.Index(fields=['branch', '-as_of'], name='pos_sync_sn_branch__45d2ec_idx')],
            },
        ),
        migrations.CreateModel(
            name='SnapshotPage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('body', models.BinaryField()),
                ('snapshot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pages', to='pos_sync.snapshot')),
            ],
            options={
                'verbose_name': 'snapshot page',
                'verbose_name_plural': 'snapshot pages',
                'constraints': [models.UniqueConstraint(fields=('snapshot', 'number'), name='snapshot_page_once')],
            },
        ),
        migrations.CreateModel(
            name='SyncRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('why', models.CharField(choices=[('daily', 'Daily synchronisation'), ('asked', 'Asked for by a till')], max_length=10, verbose_name='why')),
                ('result', models.CharField(choices=[('built', 'Built'), ('failed', 'Failed')], max_length=10, verbose_name='result')),
                ('business_date', models.DateField(verbose_name='business date')),
                ('began_at', models.DateTimeField(verbose_name='began at')),
                ('duration_ms', models.PositiveIntegerField(verbose_name='duration (ms)')),
                ('rows', models.PositiveIntegerField(default=0, verbose_name='rows')),
                ('size', models.PositiveIntegerField(default=0, verbose_name='bytes')),
                ('error', models.CharField(blank=True, max_length=500, verbose_name='error')),
                ('branch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sync_runs', to='receivables.branch', verbose_name='branch')),
                ('snapshot', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='pos_sync.snapshot', verbose_name='snapshot')),
            ],
            options={
                'verbose_name': 'synchronisation',
                'verbose_name_plural': 'synchronisations',
                'ordering': ['-began_at', '-pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('result', 'built'), ('why', 'daily')), fields=('branch', 'business_date'), name='daily_sync_once_a_day')],
            },
        ),
    ]
