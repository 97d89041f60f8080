"""The form that makes a token."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone

from unbraid_web.api.models import Scope

DAYS = [("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"), ("", "never")]


class TokenForm(forms.Form):
    """What the token is for, what it may do, and for how long."""

    name = forms.CharField(
        label="What is it for?", max_length=80, widget=forms.TextInput(attrs={"placeholder": "backup script"})
    )
    scope = forms.ChoiceField(label="Access", choices=Scope.choices)
    days = forms.ChoiceField(label="Expires", choices=DAYS, required=False, initial="90")

    def expires_at(self) -> datetime | None:
        """Return when the token ends; None for never."""
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None
