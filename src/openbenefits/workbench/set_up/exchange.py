"""Set-up taken away as a zip, and brought in from one: as a draft, that is checked like any other."""

from typing import Any

from django import forms
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.core.faults import message_of
from openbenefits.programs.drafts import services
from openbenefits.programs.drafts.archives import LARGEST_UPLOAD, ArchiveRefused, read_zip, zipped
from openbenefits.programs.drafts.services import DraftRefused
from openbenefits.programs.findings import Finding
from openbenefits.programs.frames import PEO
from openbenefits.programs.loaded import LoadedBundle, from_document
from openbenefits.programs.models import Bundle, Draft, Release
from openbenefits.workbench.pages import page, show
from openbenefits.workbench.set_up.editor import hand_of
from openbenefits.workbench.set_up.holders import Holder, setup_page
from openbenefits.workforce.models import Client
from openbenefits.workforce.recording import add_client


@setup_page("export", name="setup_export", title=gettext_lazy("Export"))
def export(request: Any, holder: Holder) -> HttpResponse:
    """Give the set-up in force, or an earlier release, as a zip of the folder people would have made."""
    asked = request.GET.get("release", "")
    releases = Release.objects.filter(bundle__client_id=holder.client_id)
    if asked:
        release = releases.filter(number=int(asked)).first() if asked.isdecimal() and len(asked) < 9 else None
    else:
        in_force = Bundle.objects.filter(client_id=holder.client_id).values_list("release_id", flat=True)
        release = releases.filter(pk=in_force.first()).first()
    if release is None:
        raise Http404
    answer = HttpResponse(zipped(from_document(release.document)), content_type="application/zip")
    name = f"{holder.bundle_code}-release-{release.number}.zip"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    note(request.access, "saw", "export of set-up", client_id=holder.client_id, now=clock.now())
    return answer


class UploadForm(forms.Form):
    """A zip of a bundle, and what it is for."""

    name = forms.CharField(
        label=gettext_lazy("What it is for"),
        max_length=200,
        help_text=gettext_lazy("The name of the draft it becomes."),
    )
    file = forms.FileField(
        label=gettext_lazy("Zip file of the bundle"),
        help_text=gettext_lazy("The folder with its YAML and CSV files, zipped; at most 20 MB."),
        widget=forms.ClearableFileInput(attrs={"accept": ".zip"}),
    )


@setup_page("upload/", name="setup_upload", title=gettext_lazy("Upload"), permission=Permission.SETUP)
def upload(request: Any, holder: Holder) -> HttpResponse:
    """Take a zip as a draft; faults of its files are listed with file and line, and nothing is kept."""
    form = UploadForm(request.POST or None, request.FILES or None)
    findings: list[Finding] = []
    if request.method == "POST" and form.is_valid():
        draft, findings = _taken(request, holder, form)
        if draft is not None:
            return redirect(holder.address("setup_draft", number=draft.pk))
    return show(
        request,
        "workbench/set_up/upload.html",
        title=_("Upload a bundle"),
        client=holder.client,
        crumbs=holder.crumbs(),
        form=form,
        findings=findings,
        code=holder.bundle_code,
        status=422 if form.errors or findings else 200,
    )


@page(
    "peo/new-client/",
    name="new_client",
    title=gettext_lazy("Bring in a client"),
    permission=Permission.SETUP,
)
def new_client(request: Any) -> HttpResponse:
    """Bring in a client with the first draft of its set-up; nothing is in force before that is applied."""
    request.access.require(Permission.SETUP, PEO)
    form = UploadForm(request.POST or None, request.FILES or None)
    findings: list[Finding] = []
    if request.method == "POST" and form.is_valid():
        try:
            reading = read_zip(form.cleaned_data["file"].read(LARGEST_UPLOAD + 1))
            findings = reading.findings if reading.bundle is None else []
            if reading.bundle is not None:
                with transaction.atomic():
                    return _brought_in(request, form.cleaned_data["name"], reading.bundle)
        except (ArchiveRefused, DraftRefused) as refused:
            form.add_error("file", message_of(refused))
    return show(
        request,
        "workbench/set_up/upload.html",
        title=_("Bring in a client"),
        crumbs=Holder(None).crumbs(),
        form=form,
        findings=findings,
        code=_("a new client"),
        status=422 if form.errors or findings else 200,
    )


def _brought_in(request: Any, name: str, bundle: LoadedBundle) -> HttpResponse:
    """Make the client and the draft of its set-up.

    Errors: DraftRefused for the PEO's bundle, or a code that is taken.
    """
    if not bundle.is_client or Client.objects.filter(code=bundle.code).exists():
        raise DraftRefused(
            _("expected the bundle of a client that is not there yet, found '%(code)s'; upload it there")
            % {"code": bundle.code}
        )
    client = add_client(bundle.code, bundle.parts.bundle.name)
    hand = hand_of(request)
    draft = services.begin(client.pk, bundle.code, name=name, by=hand)
    services.take_over(draft, bundle, by=hand)
    note(request.access, "did", "bring in a client", client_id=client.pk, now=clock.now())
    return redirect(Holder(client).address("setup_draft", number=draft.pk))


def _taken(request: Any, holder: Holder, form: UploadForm) -> tuple[Draft | None, list[Finding]]:
    file = form.cleaned_data["file"]
    try:
        if file.size > LARGEST_UPLOAD:
            raise ArchiveRefused(_("expected at most 20 MB, found more; leave other files out"))
        reading = read_zip(file.read())
        if reading.bundle is None:
            return None, reading.findings
        hand = hand_of(request)
        draft = services.begin(holder.client_id, holder.bundle_code, name=form.cleaned_data["name"], by=hand)
        try:
            services.take_over(draft, reading.bundle, by=hand)
        except DraftRefused:
            draft.delete()
            raise
    except (ArchiveRefused, DraftRefused) as refused:
        form.add_error("file", message_of(refused))
        return None, []
    note(request.access, "did", "upload set-up as a draft", client_id=holder.client_id, now=clock.now())
    return draft, []
