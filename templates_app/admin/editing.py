"""Writing a draft: in, an editor's requests; out, its form with what is wrong at its line, how it reads, and what was saved.

Whoever saves second sees what the first one changed, and keeps what they typed.
"""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import ADDITION
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from templates_app.admin.draft_form import DraftForm
from templates_app.admin.frames import framed
from templates_app.admin.pages import (
    BEGIN_DRAFT,
    CHANGE_DRAFT,
    draft_or_404,
    log,
    numbered,
    require,
    template_or_404,
    version_or_404,
    version_page,
    version_url,
)
from templates_app.admin.placeholder_form import preview_values
from templates_app.completeness import unused
from templates_app.diff import difference
from templates_app.drafts import DraftConflictError, DraftGoneError, new_draft, save_draft, state_of
from templates_app.engine import PARTS, RESERVED
from templates_app.models import NotificationTemplateVersion
from templates_app.preview import Preview, preview
from templates_app.publish import is_overtaken, proof_of
from templates_app.wording import tidied

Version = NotificationTemplateVersion


@require_POST
def begin_draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new draft on top of what is in force, with its words or those of the version named; on to its form."""
    require(request, BEGIN_DRAFT)
    template = template_or_404(pk)
    words_of = None
    if named := request.POST.get("words_of", ""):
        words_of = numbered(pk, named)
    draft = new_draft(template, by=request.user, words_of=words_of)  # type: ignore[arg-type]
    log(
        request,
        draft,
        f"Began a draft with the words of v{words_of.number}." if words_of else "Began a draft.",
        flag=ADDITION,
    )
    return HttpResponseRedirect(version_url(draft, "edit"))


def edit_draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The form of a draft. Saving keeps it even with problems, and shows each at its field and line."""
    require(request, CHANGE_DRAFT)
    if request.method != "POST":
        return _form_page(request, draft_or_404(pk))
    version = version_or_404(pk)
    form = DraftForm(version, request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing is saved yet: see the fields in red."))
        return _form_page(request, version, form)
    try:
        version = save_draft(
            template=version.template,
            source=form.source(),
            placeholders=form.placeholders(),
            note=form.cleaned_data["note"],
            by=request.user,  # type: ignore[arg-type]
            version=None if "as_new" in request.POST else version,
            seen=form.cleaned_data["seen"],
        )
    except DraftConflictError as conflict:
        return _conflict_page(request, form, conflict.theirs)
    except DraftGoneError:
        return _form_page(request, version, form, status=409, is_gone=True)
    log(request, version, "Changed the draft.")
    problems = proof_of(version).problems
    if "stay" in request.POST or problems or "as_new" in request.POST:
        if problems:
            messages.warning(
                request, _("The draft is saved. It cannot be published yet: see the fields in red.")
            )
        else:
            messages.success(request, _("The draft is saved, and fit to publish."))
        return HttpResponseRedirect(version_url(version, "edit"))
    messages.success(request, _("The draft is saved, and fit to publish."))
    return HttpResponseRedirect(version_url(version))


@require_POST
def preview_typed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What stands in the form, made into messages, and its problems by field. Saves nothing."""
    require(request, CHANGE_DRAFT)
    version = draft_or_404(pk)
    form = DraftForm(version, request.POST)
    if not form.is_valid():
        told = [str(error) for row in form.rows for errors in row.errors.values() for error in errors]
        told += [str(error) for error in form.rows.non_form_errors()]
        return JsonResponse({"channels": {}, "fields": {}, "others": told, "unknown": [], "unused": []})
    placeholders = form.placeholders()
    typed = Version(
        template=version.template,
        source=tidied(form.source()),
        placeholders=[placeholder.stored() for placeholder in placeholders],
    )
    shown = preview(
        typed,
        locale=request.POST.get("preview_locale", ""),
        full=request.POST.get("preview_full", "1") != "0",
        values=preview_values(placeholders, request.POST),
    )
    form.show(shown.problems)
    return JsonResponse(
        {
            "locale": shown.locale,
            "channels": {channel: _drawn(shown, channel) for channel in shown.messages},
            "written": list(typed.source.get(shown.locale, {})),
            "fields": {
                name: [{"line": told.line, "message": told.message} for told in all_told]
                for name, all_told in form.told.fields.items()
            },
            "others": [told.message for told in form.told.others],
            "unknown": sorted({problem.name for problem in shown.problems if problem.name}),
            "unused": unused(typed.source, placeholders),
        }
    )


def _drawn(shown: Preview, channel: str) -> str:
    context = {"shown": shown, "srcdoc": framed(shown.messages.get("email", {}).get("html", ""))}
    return render_to_string(f"templates_app/admin/channels/{channel}.html", context)


def _conflict_page(request: HttpRequest, form: DraftForm, theirs: Version) -> HttpResponse:
    """What they saved against what was typed here; saving again after having seen it puts this one's words over theirs."""
    typed = tidied(form.source())
    between = difference(
        theirs.source,
        typed,
        theirs.placeholders,
        [placeholder.stored() for placeholder in form.placeholders()],
    )
    form.data = form.data.copy()  # type: ignore[attr-defined]  # a QueryDict
    form.data["seen"] = state_of(theirs)  # type: ignore[index]
    return _form_page(request, theirs, form, status=409, conflict=between, theirs=theirs)


def _form_page(
    request: HttpRequest,
    version: Version,
    form: DraftForm | None = None,
    *,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    if form is None:
        form = DraftForm(version)
        form.show(proof_of(version).problems)
    response = version_page(
        request,
        version,
        "edit.html",
        status=status,
        form=form,
        channels=PARTS,
        reserved=[
            (f"{space}.{name}", may_be_blank)
            for space, names in RESERVED.items()
            for name, may_be_blank in names.items()
            if name != "body"
        ],
        overtaken=is_overtaken(version),
        **context,
    )
    response["Content-Security-Policy"] = "frame-src 'self'"
    return response
