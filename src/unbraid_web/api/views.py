"""The pages about the API: what it is, and one's tokens."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from unbraid_web.accounts.models import User
from unbraid_web.api.models import Token
from unbraid_web.inputs import one_line

MAX_TOKENS = 20


@require_safe
def introduction(request: HttpRequest) -> HttpResponse:
    """Tell how to begin."""
    return render(request, "api/introduction.html")


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def tokens(request: HttpRequest) -> HttpResponse:
    """List one's tokens and make a new one, whose secret is shown this once."""
    user = request.user
    assert isinstance(user, User)
    context: dict[str, object] = {}
    if request.method == "POST":
        name = one_line(request.POST.get("name", ""))[:80] or "token"
        if user.tokens.count() >= MAX_TOKENS:
            context["error"] = f"You have {MAX_TOKENS} tokens already. Revoke one that you do not use."
        else:
            context["made"], context["secret"] = Token.make(user, name)
    return render(request, "api/tokens.html", context | {"tokens": user.tokens.all()})


@login_required
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Make a token worthless."""
    user = request.user
    assert isinstance(user, User)
    get_object_or_404(user.tokens, pk=token_id).delete()
    return redirect("api:tokens")
