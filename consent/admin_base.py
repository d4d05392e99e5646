"""The base classes of every admin page: in, what the host installed; out, unfold's classes or Django's own.

A host project without unfold must not meet a page whose templates it does not have.
"""

from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.db.models import Model
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, StackedInline, TabularInline
    from django.contrib.admin.widgets import AdminTextareaWidget as TextareaWidget
    from django.contrib.admin.widgets import AdminTextInputWidget as TextWidget
    from django.forms import ModelForm
    from django.forms import Select as SelectWidget
else:
    from django import forms

    if apps.is_installed("unfold"):
        from unfold import admin as base
        from unfold.widgets import UnfoldAdminSelectWidget as SelectWidget
        from unfold.widgets import UnfoldAdminTextareaWidget as TextareaWidget
        from unfold.widgets import UnfoldAdminTextInputWidget as TextWidget
    else:
        from django.contrib import admin as base
        from django.contrib.admin.widgets import AdminTextareaWidget as TextareaWidget
        from django.contrib.admin.widgets import AdminTextInputWidget as TextWidget
        from django.forms import Select as SelectWidget

    class _Subscripted:
        """Lets `ModelAdmin[Row]`, which the type checker wants, run: Django's classes refuse the brackets."""

        def __class_getitem__(cls, _parameters):
            return cls

    class ModelAdmin(_Subscripted, base.ModelAdmin): ...

    class ModelForm(_Subscripted, forms.ModelForm): ...

    class StackedInline(_Subscripted, base.StackedInline): ...

    class TabularInline(_Subscripted, base.TabularInline): ...


# The widgets are for fields of a form's own: unfold dresses only those that come from a model.
__all__ = [
    "ModelAdmin",
    "ModelForm",
    "ReadOnlyAdmin",
    "SelectWidget",
    "StackedInline",
    "TabularInline",
    "TextWidget",
    "TextareaWidget",
]

Row = TypeVar("Row", bound=Model)


class ReadOnlyAdmin(ModelAdmin[Row]):
    """Rows that people read and only code writes: seeing them takes the view permission, changing them is refused."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
