"""The form of an account: in, what an administrator ticked; out, roles and groups they may give, and never nobody left to let others in."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserChangeForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from config.roles import MAY, Role
from config.staff_rights import administrators, somebody_else_is_left


class RoleField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """A box a role, with what it may."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget

    def label_from_instance(self, obj: Any) -> str:
        role = Role(obj.name)
        return f"{role.label}: {MAY[role]}"


class StaffForm(UserChangeForm):  # type: ignore[misc]
    """Roles apart from other groups. Which of them can be chosen, the page says (config/admin.py)."""

    roles = RoleField(
        queryset=Group.objects.none(),
        required=False,
        label=_("Roles"),
        help_text=_("What somebody may is the sum of their roles. Without any they only see the first page."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "groups" not in self.fields:  # somebody who may only look
            return
        groups = self.fields["groups"].queryset
        mine = self.instance.groups.all()
        self.fields["roles"].queryset = groups.filter(name__in=Role.values)
        self.fields["groups"].queryset = groups.exclude(name__in=Role.values)
        self.initial["roles"] = [group.pk for group in mine if group.name in Role.values]
        self.initial["groups"] = [group.pk for group in mine if group.name not in Role.values]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors or "groups" not in self.fields:
            return cleaned
        chosen = [group.pk for name in ("roles", "groups") for group in cleaned[name]]
        cleaned["groups"] = Group.objects.filter(pk__in=chosen)
        if self._stops_being_administrator(cleaned) and not somebody_else_is_left(self.instance):
            raise ValidationError(
                _(
                    "This is the last active administrator: make somebody else one first, or nobody could let others in."
                )
            )
        return cleaned

    def _stops_being_administrator(self, cleaned: dict[str, Any]) -> bool:
        account: User = self.instance
        superuser = cleaned.get("is_superuser", account.is_superuser)
        still = superuser or any(group.name == Role.ADMINISTRATOR for group in cleaned["groups"])
        active = cleaned.get("is_active", True) and cleaned.get("is_staff", True)
        return administrators().filter(pk=account.pk).exists() and not (still and active)
