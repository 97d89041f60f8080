"""The pages of an account; what Django brings is used as it is."""

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, PasswordResetView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from unbraid_web.accounts.forms import DeleteAccountForm, LoginForm, SignUpForm
from unbraid_web.accounts.models import User
from unbraid_web.accounts.throttle import PASSWORD_RESET, SIGN_UP, client_address


class Login(LoginView):
    """Log in; who is in already goes on to the library."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True


class Reset(PasswordResetView):
    """Mail a link that sets a new password, a few times an hour and no more."""

    template_name = "accounts/reset.html"
    email_template_name = "accounts/reset_mail.txt"
    subject_template_name = "accounts/reset_subject.txt"
    success_url = "sent/"

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Answer the same whether mail was sent or not: nobody learns who has an account."""
        address = client_address(request)
        if PASSWORD_RESET.is_exhausted(address):
            return redirect("accounts:reset_sent")
        PASSWORD_RESET.record(address)
        return super().post(request, *args, **kwargs)


@require_http_methods(["GET", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Make an account and go on, logged in, to the first upload."""
    if request.user.is_authenticated:
        return redirect("songs:library")
    form = SignUpForm(request.POST or None)
    address = client_address(request)
    if request.method == "POST" and SIGN_UP.is_exhausted(address):
        form.add_error(None, "Too many accounts were made from here. Try again in an hour.")
    elif request.method == "POST" and form.is_valid():
        SIGN_UP.record(address)
        login(request, form.save())
        return redirect("songs:library")
    return render(request, "accounts/sign_up.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show the account and change its password."""
    user = request.user
    assert isinstance(user, User)
    form = PasswordChangeForm(user, request.POST or None)
    form.fields["old_password"].widget.attrs["autofocus"] = False
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, user)  # this browser stays in, all others are out
        messages.success(request, "Your password was changed.")
        return redirect("accounts:account")
    songs = user.songs.kept()
    context = {"form": form, "used": songs.bytes_stored(), "songs": songs.count()}
    return render(request, "accounts/account.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def delete_account(request: HttpRequest) -> HttpResponse:
    """Delete the account with every song and stem in it."""
    user = request.user
    assert isinstance(user, User)
    form = DeleteAccountForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        logout(request)
        user.delete_with_everything()
        messages.success(request, "Your account and all your songs were deleted.")
        return redirect("player:welcome")
    return render(request, "accounts/delete_account.html", {"form": form}, status=422 if form.errors else 200)
