"""A personal token; only its hash is kept."""

import hashlib
import secrets
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from unbraid_web.accounts.models import User

PREFIX = "unb_"  # lets secret scanners recognise a leaked token


def digest(secret: str) -> str:
    """Return what is stored of a token: it is random enough that a plain hash cannot be turned back."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Token(models.Model):
    """Lets a program act for a person until it is revoked."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    hashed = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12, help_text="the first letters, to recognise it by")
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @classmethod
    def make(cls, owner: User, name: str) -> tuple["Token", str]:
        """Return a new token and its secret, which is never seen again."""
        secret = PREFIX + secrets.token_urlsafe(32)
        return cls.objects.create(owner=owner, name=name, hashed=digest(secret), hint=secret[:8]), secret

    @classmethod
    def owner_of(cls, secret: str) -> User | None:
        """Return whose token this is; None if nobody's."""
        token = cls.objects.select_related("owner").filter(hashed=digest(secret), owner__is_active=True).first()
        if token is None:
            return None
        now = timezone.now()
        if not token.used_at or now - token.used_at > timedelta(minutes=1):
            cls.objects.filter(pk=token.pk).update(used_at=now)
        return token.owner
