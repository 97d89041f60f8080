"""The pages of an account; Django's own code is used where it suffices."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.contrib.auth.views import LoginView, PasswordResetConfirmView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from unbraid_web.accounts.forms import (
    AddressForm,
    ChangeAddressForm,
    ChangePasswordForm,
    LoginForm,
    NewPasswordForm,
    PasswordAgainForm,
    ResetPasswordForm,
    SignUpForm,
)
from unbraid_web.accounts.mail import (
    address_change,
    confirmed_address,
    mail_address_changed,
    mail_new_address,
    mail_reset,
    mail_sign_up,
)
from unbraid_web.accounts.models import User
from unbraid_web.accounts.throttle import PASSWORD_RESET, SIGN_UP, client_place, remember_browser


class Login(LoginView):
    """Log in; who is in already goes on to the library."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get_initial(self) -> dict[str, Any]:
        """Know the address of whoever has just signed up."""
        return super().get_initial() | {"username": self.request.session.get("signed_up", "")}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Let in, and remember that this browser belongs to the account."""
        answer = super().form_valid(form)
        remember_browser(answer, form.get_user().get_username())
        return answer


def admin_login(request: HttpRequest) -> HttpResponse:
    """Send people who want the admin pages to the one log-in form, which counts its attempts."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", reverse("admin:index")))


@require_http_methods(["GET", "POST"])
def reset(request: HttpRequest) -> HttpResponse:
    """Mail a link that sets a new password; the answer is the same for an address that nobody has."""
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if PASSWORD_RESET.admits(client_place(request)):
            mail_reset(form.cleaned_data["email"])
        return redirect("accounts:reset_sent")
    return render(request, "accounts/reset.html", {"form": form}, status=422 if form.errors else 200)


class ResetConfirm(PasswordResetConfirmView):
    """Set a new password, by way of the mailed link, and log in with it."""

    template_name = "accounts/reset_confirm.html"
    form_class = ResetPasswordForm
    post_reset_login = True
    success_url = reverse_lazy("songs:library")

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        """Store the password, and remember that this browser belongs to the account."""
        answer = super().form_valid(form)
        remember_browser(answer, form.user.email)
        return answer


@require_http_methods(["GET", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Make an account; the answer is the same for an address that has one already.

    Where mail can be sent, a link in it comes first: an address is worth nothing until its owner confirmed it.
    """
    if request.user.is_authenticated:
        return redirect("songs:library")
    form = AddressForm(request.POST or None) if settings.CONFIRM_BY_MAIL else SignUpForm(request.POST or None)
    if request.method == "POST" and not SIGN_UP.admits(client_place(request)):
        form.add_error(None, "Too many accounts were created from here. Try again in an hour.")
    elif request.method == "POST" and form.is_valid():
        if isinstance(form, SignUpForm):
            form.save()
            request.session["signed_up"] = form.cleaned_data["email"]
            messages.success(request, "You can log in now. If you already had an account, its password hasn’t changed.")
            return redirect("accounts:login")
        mail_sign_up(form.cleaned_data["email"])
        return redirect("accounts:sign_up_sent")
    return render(request, "accounts/sign_up.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@never_cache
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Make the account whose address was mailed this link, and go on, logged in, to the first upload."""
    email = confirmed_address(token)
    if not email or User.objects.filter(email=email).exists():
        return render(request, "accounts/link_used.html", status=410)
    form = NewPasswordForm(request.POST or None, account=email)
    if request.method == "POST" and form.is_valid():
        user = User.objects.create_user(email, form.cleaned_data["password"])
        login(request, user)
        return remembering(redirect("songs:library"), email)
    context = {"form": form, "email": email}
    return render(request, "accounts/confirm.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show the account and change its password."""
    user = request.user
    assert isinstance(user, User)
    form = ChangePasswordForm(request, user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, user)  # this browser stays in, all others are out
        messages.success(request, "Your password was changed.")
        return redirect("accounts:account")
    songs, bin_ = user.songs.kept(), user.songs.deleted_by(user)
    context = {"form": form, "used": songs.bytes_stored(), "songs": songs.count(), "bin": bin_.bytes_stored()}
    return render(request, "accounts/account.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def change_address(request: HttpRequest) -> HttpResponse:
    """Change the address, by way of a mailed link where mail can be sent: a mistyped one locks nobody out."""
    user = request.user
    assert isinstance(user, User)
    form = ChangeAddressForm(request, user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        if not SIGN_UP.admits(client_place(request)):
            form.add_error(None, "Too many changes from here. Try again in an hour.")
        elif settings.CONFIRM_BY_MAIL:
            mail_new_address(user, email)
            return redirect("accounts:address_sent")
        elif user.change_address(email):
            messages.success(request, "Your e-mail address was changed.")
            return remembering(redirect("accounts:account"), email)
        else:
            form.add_error("email", "This address can’t be used.")
    context = {"form": form, "by_mail": settings.CONFIRM_BY_MAIL}
    return render(request, "accounts/address.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@never_cache
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """Change the address to the one that was mailed this link."""
    change = address_change(token)
    if change is None:
        return render(request, "accounts/link_used.html", {"what": "address"}, status=410)
    user, email = change
    if request.method == "GET":
        return render(request, "accounts/confirm_address.html", {"email": email})
    old = user.email
    if not user.change_address(email):
        return render(request, "accounts/link_used.html", {"what": "address"}, status=410)
    mail_address_changed(old, email)
    messages.success(request, "Your e-mail address was changed.")
    return remembering(redirect("accounts:account"), email)


def remembering(answer: HttpResponse, email: str) -> HttpResponse:
    """Return the answer, with which this browser is remembered as one of the account's."""
    remember_browser(answer, email)
    return answer


@login_required
@require_http_methods(["GET", "POST"])
def delete_account(request: HttpRequest) -> HttpResponse:
    """Delete the account with every song and stem in it."""
    user = request.user
    assert isinstance(user, User)
    form = PasswordAgainForm(request, user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        logout(request)
        user.delete_with_everything()
        messages.success(request, "Your account and all your songs were deleted.")
        return redirect("player:welcome")
    return render(request, "accounts/delete_account.html", {"form": form}, status=422 if form.errors else 200)
