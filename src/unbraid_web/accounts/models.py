"""A person, known by an e-mail address."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, models, transaction


class UserManager(BaseUserManager["User"]):
    """Makes people out of an e-mail address and a password."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a person; the address counts in lower case, so nobody has two accounts by capitals."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a person who may see the admin pages."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a person however the address was capitalised."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractUser):
    """A person with songs."""

    username = None  # type: ignore[assignment] # the address is the name
    email = models.EmailField("e-mail address", unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()  # type: ignore[misc,assignment] # AbstractUser's manager wants a username

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the person; a new password revokes the tokens made under the old one."""
        # Set by `set_password`, and taken away where Django only hashes the same password better.
        has_new_password = self._password is not None  # type: ignore[attr-defined]
        super().save(*args, **kwargs)
        if has_new_password:
            self.tokens.all().delete()

    def change_address(self, email: str) -> bool:
        """Take another address; False if somebody has it."""
        old, self.email = self.email, email
        try:
            with transaction.atomic():
                self.save(update_fields=["email"])
        except IntegrityError:
            self.email = old
            return False
        return True

    def delete_with_everything(self) -> None:
        """Delete the person with every song, stem and upload."""
        for song in self.songs.all():
            song.delete_with_files()
        for upload in self.uploads.all():
            upload.delete_with_files()
        self.delete()

    @property
    def max_bytes(self) -> int:
        """How much this person may store, in bytes."""
        return settings.MAX_USER_BYTES
