"""Signing in: in, a name, a password and a code; out, a user, or a refusal, and not too often.

Each try is counted before anything is checked, so that many at once are not let through together, and given back if it
was right. The same words, the same work and the same limits meet a name that nobody has. That a code is missing is told to
those who gave the right password.
"""

import logging
from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser, User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.forms import AuthenticationForm

from config.audit.words import SIGN_IN_REFUSED, SIGNED_IN
from config.client_address import is_address, network_of
from config.counting import count, forget, give_back
from config.second_factor import accepts, confirmed, write_down
from config.two_step_gate import remember
from rentals.models import AuditEvent

logger = logging.getLogger(__name__)


class LoginForm(AuthenticationForm):  # type: ignore[misc]
    """The admin's login. The code is asked of those who set one up, and of nobody else."""

    code = forms.CharField(
        label=_("Code"),
        required=False,
        max_length=20,
        help_text=_("From your authenticator app or a recovery code, if you use one."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["code"].widget.attrs["class"] = self.fields["username"].widget.attrs["class"]

    def clean(self) -> dict[str, Any]:
        network = network_of(self.request)
        name = self.cleaned_data.get("username", "")
        one = f"{name.casefold()}\0{network}"
        for limit, who in (("logins_of_network", network), ("logins_of_one", one)):
            tried = count(limit, who)
            if tried.is_over:
                raise too_often(tried.wait)
        try:
            cleaned: dict[str, Any] = super().clean()
            user = self.get_user()
            if user is not None:
                self._ask_second_factor(user)
        except ValidationError:
            note_failure(self.request, self.get_user() or User.objects.filter(username=name).first())
            raise
        give_back("logins_of_network", network)
        forget("logins_of_one", one)
        if isinstance(user, User):
            write_down(user, SIGNED_IN)
        return cleaned

    def _ask_second_factor(self, user: AbstractBaseUser) -> None:
        factor = confirmed(user)
        if factor is None:
            return
        code = self.cleaned_data.get("code", "")
        if not code:
            raise ValidationError(_("Enter the code of your authenticator app as well."), code="code_needed")
        check_code_limit(user)
        if not accepts(factor, code):
            raise ValidationError(_("This code is wrong, or was used already."), code="bad_code")
        give_back("codes_of_one", str(user.pk))
        remember(self.request, factor)


def check_code_limit(user: AbstractBaseUser) -> None:
    """Whoever tries codes knows the password: from however many networks, ten a quarter of an hour. Raises ValidationError."""
    tried = count("codes_of_one", str(user.pk))
    if tried.is_over:
        raise too_often(tried.wait)


def too_often(wait: int) -> ValidationError:
    minutes = -(-wait // 60)
    text = ngettext(
        "Too many tries. Wait %d minute, then try again.",
        "Too many tries. Wait %d minutes, then try again.",
        minutes,
    )
    return ValidationError(text % minutes, code="too_often")


def note_failure(request: HttpRequest, user: AbstractBaseUser | None) -> None:
    """An audit event, which `audit_anomaly_detector` reads, and an entry in the audit log about whom it was tried for, so often
    a quarter of an hour and no more. What was typed as a name is not kept: now and then it is a password."""
    address = request.META.get("REMOTE_ADDR", "")
    actor = f"staff:{user.pk}" if user is not None else ""
    AuditEvent.objects.create(
        event_type="auth.login_failed",
        actor_id=actor,
        actor_role="staff" if actor else "",
        action="login",
        ip_address=address if is_address(address) else None,
        occurred_at=timezone.now(),
    )
    if isinstance(user, User) and not count("refusals_noted", str(user.pk)).is_over:
        write_down(user, SIGN_IN_REFUSED)
    logger.warning("login.failed user=%s", actor or "unknown")
