"""The language of a user: chosen on any page, kept with the user and on the device."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import translation
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

CODES = tuple(code for code, _ in settings.LANGUAGES)


def speak(request: Any) -> None:
    """Answer a user in the language he has chosen, whatever the device asks for."""
    if request.user.language in CODES:
        translation.activate(request.user.language)
        request.LANGUAGE_CODE = translation.get_language()


@require_POST
def choose(request: Any) -> HttpResponse:
    """Keep the language chosen: on the device, and with whoever is signed in."""
    code = request.POST.get("language")
    if request.user.is_authenticated and code in CODES:
        request.user.language = code
        request.user.save(update_fields=["language"])
    answer: HttpResponse = set_language(request)
    return answer
