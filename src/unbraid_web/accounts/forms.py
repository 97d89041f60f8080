"""The forms of an account."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from unbraid_web.accounts.models import User
from unbraid_web.accounts.throttle import LOGIN_BY_ACCOUNT, LOGIN_BY_ADDRESS, client_address


class SignUpForm(forms.ModelForm[User]):
    """An e-mail address and a password, once: the form can show what was typed instead of asking twice."""

    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 8 characters; a short sentence is easiest to remember.",
    )

    class Meta:
        """Which fields of the person are asked for."""

        model = User
        fields = ("email",)
        widgets: ClassVar = {"email": forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True})}

    def clean_email(self) -> str:
        """Take the address in lower case and refuse one that is in use."""
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email=email).exists():
            raise ValidationError("There is an account with this address already. Log in, or reset its password.")
        return email

    def clean_password(self) -> str:
        """Refuse a password that others would guess."""
        password = str(self.cleaned_data["password"])
        validate_password(password, User(email=self.cleaned_data.get("email", "")))
        return password

    def save(self, commit: bool = True) -> User:
        """Store the person."""
        self.instance.set_password(self.cleaned_data["password"])
        return super().save(commit)


class LoginForm(AuthenticationForm):
    """Address and password, at most a few tries."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget = forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True})

    def clean(self) -> dict[str, Any]:
        """Check the password, unless this account or this place had too many wrong ones lately."""
        assert self.request is not None
        account = str(self.cleaned_data.get("username", "")).strip().lower()
        address = client_address(self.request)
        if LOGIN_BY_ACCOUNT.is_exhausted(account) or LOGIN_BY_ADDRESS.is_exhausted(address):
            raise ValidationError("Too many attempts. Wait a quarter of an hour, or reset your password.")
        try:
            cleaned = super().clean()
        except ValidationError:
            LOGIN_BY_ACCOUNT.record(account)
            LOGIN_BY_ADDRESS.record(address)
            raise
        LOGIN_BY_ACCOUNT.reset(account)
        return cleaned


class DeleteAccountForm(forms.Form):
    """Asks for the password once more before everything is deleted."""

    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        """Refuse a wrong password."""
        password = str(self.cleaned_data["password"])
        if not self.user.check_password(password):
            raise ValidationError("This is not your password.")
        return password
