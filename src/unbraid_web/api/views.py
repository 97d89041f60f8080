"""The pages about the API: what it is, and one's tokens."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from unbraid_web.accounts.models import User
from unbraid_web.api.forms import TokenForm
from unbraid_web.api.models import Token

MAX_TOKENS = 20


@require_safe
def introduction(request: HttpRequest) -> HttpResponse:
    """Tell how to begin."""
    return render(request, "api/introduction.html")


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def tokens(request: HttpRequest) -> HttpResponse:
    """List one's tokens and make a new one, whose secret is shown on the next page and never again."""
    user = request.user
    assert isinstance(user, User)
    form = TokenForm(request.POST or None)
    if request.method == "POST" and user.tokens.count() >= MAX_TOKENS:
        form.add_error(None, f"You already have {MAX_TOKENS} tokens. Revoke one you don't use.")
    elif request.method == "POST" and form.is_valid():
        made, secret = Token.make(user, form.cleaned_data["name"], form.cleaned_data["scope"], form.expires_at())
        request.session["new_token"] = [made.name, secret]
        return redirect("api:tokens")
    name, secret = request.session.pop("new_token", ["", ""])
    context = {"form": form, "name": name, "secret": secret, "tokens": user.tokens.all(), "now": timezone.now()}
    return render(request, "api/tokens.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Make a token worthless."""
    user = request.user
    assert isinstance(user, User)
    get_object_or_404(user.tokens, pk=token_id).delete()
    return redirect("api:tokens")
