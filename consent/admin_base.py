"""The base classes of every admin page: in, what the host installed; out, unfold's classes or Django's own.

A host project without unfold must not meet a page whose templates it does not have.
"""

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as ModelAdmin
    from django.contrib.admin import StackedInline as StackedInline
    from django.contrib.admin import TabularInline as TabularInline
elif apps.is_installed("unfold"):
    from unfold.admin import ModelAdmin, StackedInline, TabularInline
else:
    ModelAdmin, StackedInline, TabularInline = admin.ModelAdmin, admin.StackedInline, admin.TabularInline

__all__ = ["ModelAdmin", "ReadOnlyAdmin", "StackedInline", "TabularInline"]


class ReadOnlyAdmin(ModelAdmin[Any] if TYPE_CHECKING else ModelAdmin):
    """Rows that people read and only code writes: seeing them takes the view permission, changing them is refused."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
