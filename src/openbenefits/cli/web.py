"""What `openbenefits serve` answers: signing in, and a start page with no more than its user may see."""

from typing import Any

from allauth.account.utils import perform_login
from django.contrib.auth.decorators import login_required
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import include, path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from openbenefits.accounts import clock, language
from openbenefits.accounts.entrance_forms import TypedCodeForm
from openbenefits.accounts.models import User
from openbenefits.accounts.services import Access
from openbenefits.accounts.signing_in import user_of_code, user_of_token
from openbenefits.api.platform_hooks import platform_hook
from openbenefits.platform import hints
from openbenefits.portal.offers import signs_only
from openbenefits.workbench.pages import is_staff


@never_cache
@login_required
def home(request: Any) -> HttpResponse:
    """Lead staff to the workbench, employees and signing contacts to the portal; others are told."""
    access: Access = request.access
    if signs_only(access):
        return redirect("portal:offers")
    if is_staff(access):
        return redirect("workbench:home")
    if access.person_id is not None:
        return redirect("portal:home")
    return render(request, "home.html")


@never_cache
def sign_in_once(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in whoever a link, or the code in it, was made for; it is used up by that."""
    user = user_of_token(token) or user_of_code(token, clock.today())
    if user is None:
        return render(request, "openbenefits/stale_link.html", status=410)
    return _come_in(request, user)


@never_cache
def sign_in_by_code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of a letter, and sign in whoever it was made for; it is used up by that."""
    form = TypedCodeForm(request.POST or None)
    if form.is_valid():
        user = user_of_code(form.cleaned_data["code"], clock.today())
        if user is not None:
            return _come_in(request, user)
        told = _("This is no code that still works. Look at each character, or ask for another letter.")
        form.add_error("code", told)
    return render(request, "openbenefits/typed_code.html", {"form": form}, status=422 if form.errors else 200)


def _come_in(request: HttpRequest, user: User) -> HttpResponse:
    answer: HttpResponse = perform_login(request, user, email_verification="none", redirect_url="/")
    return answer or redirect("home")


urlpatterns = [
    path("", home, name="home"),
    path("account/", include("allauth.urls")),
    path("sign-in/", sign_in_by_code, name="sign_in_by_code"),
    path("sign-in/<str:token>", sign_in_once, name="sign_in_once"),
    path("workbench/", include("openbenefits.workbench.urls")),
    path("portal/", include("openbenefits.portal.urls")),
    path("api/v1/", include("openbenefits.api.urls")),
    path(f"{hints.PLACE}/<str:token>", platform_hook, name="platform_hook"),
    path("language/setlang/", language.choose, name="set_language"),
]


def application() -> Any:
    """Answer the WSGI application, for a process that has booted."""
    return get_wsgi_application()
