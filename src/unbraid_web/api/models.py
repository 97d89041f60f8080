"""A personal token; only its hash is kept, and it ends with the password that it was made under."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from unbraid_web.accounts.models import User

PREFIX = "unb_"  # lets secret scanners recognise a leaked token


def digest(secret: str) -> str:
    """Return the hash that is stored for a token, which is random enough that a plain hash cannot be reversed."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


class Scope(models.TextChoices):
    """What a token may do."""

    READ = "read", "read: list and fetch"
    WRITE = "write", "write: also upload, change and delete"


class Token(models.Model):
    """Lets a program act for a person until it expires or is revoked, or the person's password changes."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    hashed = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12, help_text="the first letters, to recognise it by")
    scope = models.CharField(max_length=5, choices=Scope.choices, default=Scope.WRITE)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, help_text="empty: never")
    used_at = models.DateTimeField(null=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @classmethod
    def make(
        cls, owner: User, name: str, scope: str = Scope.WRITE, expires_at: datetime | None = None
    ) -> tuple["Token", str]:
        """Return a new token and its secret, which is never seen again."""
        secret = PREFIX + secrets.token_urlsafe(32)
        fields = {"name": name, "scope": scope, "expires_at": expires_at}
        return cls.objects.create(owner=owner, hashed=digest(secret), hint=secret[:8], **fields), secret

    @classmethod
    def find(cls, secret: str) -> "Token | None":
        """Return the token of this secret, and note that it was used; None if there is none that still works."""
        now = timezone.now()
        working = cls.objects.select_related("owner").filter(Q(expires_at=None) | Q(expires_at__gt=now))
        token = working.filter(hashed=digest(secret), owner__is_active=True).first()
        if token is None:
            return None
        if not token.used_at or now - token.used_at > timedelta(minutes=1):
            cls.objects.filter(pk=token.pk).update(used_at=now)
        return token
