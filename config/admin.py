"""Staff and their groups: in, what an administrator chose; out, accounts with roles, and nobody with more than who gave it.

unfold dresses forms by its own base class; Django's registers first, so it is imported here and replaced. What may be given
to whom: config/staff_rights.py.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.db.models import Exists, ManyToManyField, OuterRef, QuerySet
from django.forms import ModelForm, ModelMultipleChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserCreationForm

from config.audit import page  # noqa: F401 (registers it)
from config.models import SecondFactor
from config.roles import Role
from config.staff_forms import StaffForm
from config.staff_rights import groups_to_give, may_manage, may_write_group, rights_of
from consent.admin_base import ModelAdmin
from notifications.admin.cells import moment

admin.site.unregister(User)
admin.site.unregister(Group)


class Given:
    """Of groups and permissions, only what the reader holds can be chosen. Before Django's classes, which choose from all."""

    class Media:
        js = ("config/selectors.js",)

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelMultipleChoiceField[Any]":
        actor = _user(request)
        if db_field.name == "groups":
            kwargs["queryset"] = groups_to_give(actor)
        elif db_field.name in ("permissions", "user_permissions"):
            names = ("content_type__app_label", "content_type__model", "codename")
            kwargs["queryset"] = rights_of(actor).select_related("content_type").order_by(*names)
        field: ModelMultipleChoiceField[Any] = super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]
        return field


@admin.register(User)
class UserAdmin(Given, auth_admin.UserAdmin, ModelAdmin[User]):  # type: ignore[type-arg]
    """Accounts. They are deactivated, never deleted: their entries in the audit log would go with them."""

    nothing_yet = _("There is no account yet. Make the first by manage.py createsuperuser.")
    # What is searched for stands in the URL: no names and addresses.
    search_fields = ("username",)
    list_display = ("username", "roles", "second_factor", "seen_last", "is_active")
    list_filter = ("is_active", "is_superuser", "groups")
    actions = None
    form = StaffForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    filter_horizontal = ("user_permissions",)
    fieldsets = (
        (None, {"fields": ("username", "password", "is_active", "is_staff", "roles")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
        (_("How they sign in"), {"fields": ("second_factor", "seen_last", "date_joined")}),
        (
            _("Beside the roles"),
            {"fields": ("is_superuser", "groups", "user_permissions"), "classes": ("collapse",)},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        factor = SecondFactor.objects.filter(user_id=OuterRef("pk"), confirmed_at__isnull=False)
        found: QuerySet[User] = super().get_queryset(request).prefetch_related("groups")
        return found.annotate(has_factor=Exists(factor))

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            kwargs["form"] = ModelForm  # to read: unfold's own wants a password to change
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        shown = ("second_factor", "seen_last", "date_joined")
        return shown if _user(request).is_superuser else (*shown, "is_superuser")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and (obj is None or may_manage(_user(request), obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.is_staff = True  # customers have no accounts here
        super().save_model(request, obj, form, change)

    @admin.display(description=_("Roles"))
    def roles(self, obj: User) -> str:
        held = {group.name for group in obj.groups.all()}
        names = [str(role.label) for role in Role if role.value in held]
        return ", ".join([*([str(_("Superuser"))] if obj.is_superuser else []), *names]) or "–"

    @admin.display(description=_("Second factor"), boolean=True)
    def second_factor(self, obj: User) -> bool:
        return bool(getattr(obj, "has_factor", False))

    @admin.display(description=_("Last sign-in"), ordering="last_login")
    def seen_last(self, obj: User) -> str:
        return moment(obj.last_login)


@admin.register(Group)
class GroupAdmin(Given, auth_admin.GroupAdmin, ModelAdmin[Group]):  # type: ignore[misc]
    """The roles to read, and groups of one's own to write. Messages to a group of staff go by these, too."""

    nothing_yet = _("There are no roles: manage.py migrate makes them. Groups of your own can be added.")
    list_display = ("name", "is_role")

    @admin.display(description=_("Role of Postroom"), boolean=True)
    def is_role(self, obj: Group) -> bool:
        return obj.name in Role.values

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and (obj is None or may_write_group(_user(request), obj))

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        may = super().has_delete_permission(request, obj)
        return may and (obj is None or may_write_group(_user(request), obj))


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # behind admin_view
    return request.user
