"""Brings jobs to workers: the one background task, which carries nothing but a job's id.

The tasks API is Django's own from version 6 on, and its backport before.
"""

from typing import TYPE_CHECKING

import django
from django.apps import apps

if TYPE_CHECKING or django.VERSION < (6, 0):
    from django_tasks import task
else:
    from django.tasks import task


@task()
def run_job(model: str, pk: str) -> None:
    """Run a job, unless another worker was quicker or nobody waits for it any more.

    Args:
        model: the job's model, such as `separations.Export`
        pk: its primary key
    """
    job = apps.get_model(model).objects.filter(pk=pk).first()
    if job and job.claim():
        job.perform()
