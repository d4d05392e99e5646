"""What changes what customers read: in, a draft to publish or an older version to bring back; out, what changes for whom, then the change.

GET asks, POST changes; each names what its reader saw, so that what happened meanwhile is told and not overwritten.
"""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from templates_app.admin.pages import (
    PUBLISH,
    as_uuid,
    draft_or_404,
    log,
    refusal_of,
    require,
    template_url,
    typed_line,
    version_or_404,
    version_page,
    version_url,
)
from templates_app.admin.reading import between
from templates_app.drafts import state_of
from templates_app.models import NotificationTemplateVersion
from templates_app.problem_words import in_words
from templates_app.publish import PublishError, is_overtaken, proof_of, publish, roll_back
from templates_app.usage import traffic

Version = NotificationTemplateVersion


def publish_draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask (GET), and put the draft in force (POST)."""
    require(request, PUBLISH)
    if request.method != "POST":
        return _ask(request, draft_or_404(pk))
    version = version_or_404(pk)
    note = typed_line(request, "note", version.note)
    missing = _("Say what changed: the next editor reads it in the history.")
    if refused := refusal_of(note, missing=missing):
        messages.error(request, refused)
        return _ask(request, draft_or_404(pk), status=400)
    try:
        with transaction.atomic():
            version = publish(version, request.user, note=note, seen=request.POST.get("seen", ""))  # type: ignore[arg-type]
            log(request, version, f"Published it: {note}")
    except PublishError as error:
        for problem in error.problems:
            messages.error(request, in_words(problem))
        return HttpResponseRedirect(version_url(version))
    messages.success(request, _("%s is in force for every message queued from now on.") % version)
    return HttpResponseRedirect(version_url(version))


def restore(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask (GET), and bring an older version's words back as a new version (POST)."""
    require(request, PUBLISH)
    old = version_or_404(pk)
    current = old.template.published_version
    if old.status != Version.Status.PUBLISHED or current is None:
        raise Http404
    if request.method != "POST":
        return _ask_back(request, old, current)
    reason = typed_line(request, "reason")
    if refused := refusal_of(reason, missing=_("Say why: the reason stands in the history.")):
        messages.error(request, refused)
        return _ask_back(request, old, current, status=400)
    try:
        with transaction.atomic():
            version = roll_back(
                old,
                reason=reason,
                instead_of=as_uuid(request.POST.get("instead_of", "")),
                by=request.user,  # type: ignore[arg-type]
            )
            log(request, version, f"Rolled back to the words of v{old.number}: {reason}")
    except PublishError as error:
        for problem in error.problems:
            messages.error(request, in_words(problem))
        return HttpResponseRedirect(template_url(old.template))
    told = _("The words of version %(old)s are in force again, as version %(new)s.")
    messages.success(request, told % {"old": old.number, "new": version.number})
    return HttpResponseRedirect(version_url(version))


def _ask(request: HttpRequest, draft: Version, *, status: int = 200) -> HttpResponse:
    current = draft.template.published_version
    proof = proof_of(draft)
    return version_page(
        request,
        draft,
        "publish.html",
        status=status,
        proof=proof,
        problems=[in_words(problem) for problem in proof.problems],
        overtaken=is_overtaken(draft),
        seen=state_of(draft),
        **_change(current, draft),
    )


def _ask_back(request: HttpRequest, old: Version, current: Version, *, status: int = 200) -> HttpResponse:
    return version_page(request, old, "restore.html", status=status, **_change(current, old))


def _change(current: Version | None, new: Version) -> dict[str, Any]:
    """What changes, and for whom it does not."""
    return {
        "old": current,
        "new": new,
        "changes": between(current, new),
        "traffic": traffic(new.template),
    }
