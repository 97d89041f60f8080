"""Delivers jobs to workers: the one background task, which carries only a job's id.

The tasks API is Django's own from version 6 on; before that, it is the backport.
"""

from typing import TYPE_CHECKING, Any

import django
from django.apps import apps
from django.conf import settings
from django.db import close_old_connections
from django.dispatch import receiver

if TYPE_CHECKING or django.VERSION < (6, 0):
    from django_tasks import task
    from django_tasks.signals import task_started
else:
    from django.tasks import task
    from django.tasks.signals import task_started


@task()
def run_job(model: str, pk: str) -> None:
    """Run the job whose turn it is: a message only says that there is one more job.

    Args:
        model: the job's model, such as `separations.Export`
        pk: the job that the message was sent for
    """
    while job := apps.get_model(model).objects.in_turn().first():
        if job.claim():
            job.perform()
            return


def messages_waiting() -> int:
    """Return how many messages no worker has taken yet."""
    if settings.USES_BROKER:
        import django_rq

        return int(django_rq.get_queue("default").count)
    from django_tasks_db.models import DBTaskResult

    return int(DBTaskResult.objects.ready().count())


@receiver(task_started)
def begin_task(**_: Any) -> None:
    """Drop a database connection that has died since the last task; outside requests, Django does not."""
    close_old_connections()
