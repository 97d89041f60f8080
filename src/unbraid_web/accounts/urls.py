"""Addresses below /account/."""

from django.contrib.auth import views as django_views
from django.urls import path, reverse_lazy

from unbraid_web.accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.account, name="account"),
    path("sign-up/", views.sign_up, name="sign_up"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", django_views.LogoutView.as_view(), name="logout"),
    path("leave/", views.delete_account, name="delete_account"),
    path("reset/", views.Reset.as_view(success_url=reverse_lazy("accounts:reset_sent")), name="reset"),
    path(
        "reset/sent/",
        django_views.PasswordResetDoneView.as_view(template_name="accounts/reset_sent.html"),
        name="reset_sent",
    ),
    path(
        "reset/<uidb64>/<token>/",
        django_views.PasswordResetConfirmView.as_view(
            template_name="accounts/reset_confirm.html",
            post_reset_login=True,
            success_url=reverse_lazy("songs:library"),
        ),
        name="reset_confirm",
    ),
]
