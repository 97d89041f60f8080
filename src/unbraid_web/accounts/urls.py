"""Addresses below /account/."""

from django.conf import settings
from django.contrib.auth import views as django_views
from django.urls import path
from django.views.generic import TemplateView

from unbraid_web.accounts import views

app_name = "accounts"
mail_sent = TemplateView.as_view(
    template_name="accounts/mail_sent.html", extra_context={"sends_mail": lambda: settings.CONFIRM_BY_MAIL}
)
urlpatterns = [
    path("", views.account, name="account"),
    path("sign-up/", views.sign_up, name="sign_up"),
    path("sign-up/sent/", mail_sent, name="sign_up_sent"),
    path("sign-up/<str:token>/", views.confirm, name="confirm"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", django_views.LogoutView.as_view(), name="logout"),
    path("address/", views.change_address, name="change_address"),
    path("address/sent/", mail_sent, name="address_sent"),
    path("address/<str:token>/", views.confirm_address, name="confirm_address"),
    path("leave/", views.delete_account, name="delete_account"),
    path("reset/", views.reset, name="reset"),
    path("reset/sent/", mail_sent, name="reset_sent"),
    path("reset/<uidb64>/<token>/", views.ResetConfirm.as_view(), name="reset_confirm"),
]
