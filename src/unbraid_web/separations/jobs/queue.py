"""The tasks API: Django's own from version 6 on, its backport before."""

from typing import TYPE_CHECKING

import django

if TYPE_CHECKING or django.VERSION < (6, 0):
    from django_tasks import task
else:
    from django.tasks import task

__all__ = ["task"]
