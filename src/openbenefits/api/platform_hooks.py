"""Where the payroll platform tells that something changed there; no key, the address itself is signed."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from openbenefits.accounts import clock
from openbenefits.platform.hints import NoHook, client_of, take_hint

MOST_TOKEN = 200


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def platform_hook(request: HttpRequest, token: str) -> HttpResponse:
    """Answer the handshake (GET, its token repeated), or keep a hint (POST); what it says is not read.

    Missing: 404 for an address we gave nobody; 400 for a handshake without a token to repeat.
    """
    try:
        client_of(token)
    except NoHook:
        return HttpResponse(status=404)
    if request.method == "GET":
        said = request.GET.get("validationToken", "")
        if not (0 < len(said) <= MOST_TOKEN and said.isascii() and said.isprintable()):
            return HttpResponse(status=400)
        return HttpResponse(said, content_type="text/plain; charset=us-ascii")
    is_new = take_hint(connection, token, now=clock.now())
    return HttpResponse(status=202 if is_new else 200)
