"""The Celery app without one guard: the message of a child that was killed is acknowledged instead of given back."""

from config.celery import app

app.conf.task_reject_on_worker_lost = False
