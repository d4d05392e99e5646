"""Staff and their groups, in unfold's clothes: in, Django's own admin classes; out, the same with forms one can see.

unfold dresses forms by its own base class; Django's registers first, so it is imported here and replaced.
"""

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User

from consent.admin_base import ModelAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(auth_admin.UserAdmin, ModelAdmin[User]):  # type: ignore[type-arg]
    # What is searched for stands in the URL: no names and addresses.
    search_fields = ("username",)

    if apps.is_installed("unfold"):
        from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

        form = UserChangeForm
        add_form = UserCreationForm
        change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(auth_admin.GroupAdmin, ModelAdmin[Group]):
    pass
