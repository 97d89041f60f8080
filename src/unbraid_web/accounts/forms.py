"""The forms of an account."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from unbraid_web.accounts.models import User
from unbraid_web.accounts.throttle import count_password, forgive_password

PASSWORD_HINT = "At least 8 characters. A short sentence is easy to remember."


class AddressForm(forms.Form):
    """An e-mail address, to mail something to."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        error_messages={"required": "Enter your e-mail address.", "invalid": "Enter a valid e-mail address."},
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )

    def clean_email(self) -> str:
        """Take the address in lower case: nobody has two accounts by capitals."""
        return str(self.cleaned_data["email"]).lower()


class NewPasswordForm(forms.Form):
    """A password, once: the form can show what was typed instead of asking twice."""

    password = forms.CharField(
        error_messages={"required": "Choose a password."},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=PASSWORD_HINT,
    )

    def __init__(self, *args: Any, account: str = "", **kwargs: Any) -> None:
        self.account = account
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        """Refuse a password that others would guess."""
        password = str(self.cleaned_data["password"])
        validate_password(password, User(email=self.cleaned_data.get("email", self.account)))
        return password


class SignUpForm(NewPasswordForm, AddressForm):
    """Both at once, where no mail can be sent to confirm the address."""

    field_order = ("email", "password")

    def save(self) -> None:
        """Make the account unless there is one: the answer is the same, and takes as long."""
        email, password = self.cleaned_data["email"], self.cleaned_data["password"]
        if User.objects.filter(email=email).exists():
            make_password(password)
            return
        try:
            with transaction.atomic():
                User.objects.create_user(email, password)
        except IntegrityError:  # somebody was quicker by a moment
            return


class LoginForm(AuthenticationForm):
    """Address and password, at most a few tries."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = bool(self.initial.get("username"))
        self.fields["username"].widget = forms.EmailInput(attrs={"autocomplete": "email", "autofocus": not known})
        self.fields["password"].widget.attrs["autofocus"] = known
        self.fields["username"].error_messages["required"] = "Enter your e-mail address."
        self.fields["password"].error_messages["required"] = "Enter your password."

    error_messages: ClassVar = {  # type: ignore[misc] # lazy translations there
        "invalid_login": "Wrong e-mail address or password.",
        "inactive": "This account has been deactivated.",
    }

    def clean(self) -> dict[str, Any]:
        """Check the password, unless there were too many wrong ones lately."""
        assert self.request is not None
        account = str(self.cleaned_data.get("username", "")).strip().lower()
        count_password(self.request, account)
        cleaned = super().clean()
        forgive_password(self.request, account)
        return cleaned


class ResetPasswordForm(SetPasswordForm):  # type: ignore[type-arg] # django-stubs: generic only for checkers
    """The new password twice, after a mailed link."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        in_our_words(self)


def in_our_words(form: "SetPasswordForm[User]") -> None:
    """Give one of Django's forms our own labels and messages."""
    for name, label in (("new_password1", "New password"), ("new_password2", "New password again")):
        form.fields[name].label = label
        form.fields[name].error_messages["required"] = "Enter the new password in both fields."
    form.fields["new_password1"].help_text, form.fields["new_password2"].help_text = PASSWORD_HINT, ""
    form.error_messages = form.error_messages | {
        "password_incorrect": "Wrong password.",
        "password_mismatch": "The two new passwords differ.",
    }


class ChangePasswordForm(PasswordChangeForm):
    """The old password, which may be tried as often as when logging in, and the new one twice."""

    def __init__(self, request: HttpRequest, user: User, *args: Any) -> None:
        self.request = request
        super().__init__(user, *args)
        self.fields["old_password"].widget.attrs["autofocus"] = False
        self.fields["old_password"].label = "Current password"
        self.fields["old_password"].error_messages["required"] = "Enter your current password."
        in_our_words(self)

    def clean_old_password(self) -> str:
        """Refuse a wrong password."""
        count_password(self.request, self.user.email)
        password = super().clean_old_password()
        forgive_password(self.request, self.user.email)
        return password


class PasswordAgainForm(forms.Form):
    """Asks for the password again before something that a borrowed browser must not be able to do."""

    password = forms.CharField(
        label="Your password",
        error_messages={"required": "Enter your password."},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        self.request, self.user = request, user
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        """Refuse a wrong password."""
        password = str(self.cleaned_data["password"])
        count_password(self.request, self.user.email)
        if not self.user.check_password(password):
            raise ValidationError("Wrong password.")
        forgive_password(self.request, self.user.email)
        return password


class ChangeAddressForm(PasswordAgainForm, AddressForm):
    """A new address."""

    field_order = ("email", "password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "New e-mail address"

    def clean_email(self) -> str:
        """Refuse the address that the account has already."""
        email = super().clean_email()
        if email == self.user.email:
            raise ValidationError("This is your address already.")
        return email
