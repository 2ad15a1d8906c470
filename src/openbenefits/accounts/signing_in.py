"""How people come in: nobody signs up by himself, staff needs a second factor, a link signs in once."""

import logging
from datetime import date
from typing import Any

import httpx
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest
from django.utils.translation import gettext as _

from openbenefits.accounts import typed_codes
from openbenefits.accounts.entrance_forms import MobileField
from openbenefits.accounts.models import User
from openbenefits.accounts.texting import number_of, send_text

LOG = logging.getLogger(__name__)
LINK_SECONDS = 15 * 60
LINK_SALT = "openbenefits.sign-in"
INVITED_DAYS = 7
INVITED_BY_POST_DAYS = 30
"""A letter is printed, and is under way."""
INVITED_SALT = "openbenefits.invited"


class Adapter(DefaultAccountAdapter):
    """Users are added by an administrator, or by the import of a census; nobody adds himself."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse everybody."""
        del request
        return False

    def phone_form_field(self, **named: Any) -> MobileField:
        """Take a number as people write it."""
        return MobileField(**named)

    def get_user_by_phone(self, phone: str) -> User | None:
        """Find whose number it is, among those who may come in."""
        return User.objects.filter(mobile=number_of(phone), is_active=True).first()

    def get_phone(self, user: Any) -> tuple[str, bool] | None:
        """Answer somebody's number: only one that was verified is kept."""
        return (user.mobile, True) if user.mobile else None

    def set_phone(self, user: Any, phone: str, verified: bool) -> None:
        """Keep a number that was verified."""
        if verified:
            user.mobile = number_of(phone)
            user.save(update_fields=["mobile"])

    def set_phone_verified(self, user: Any, phone: str) -> None:
        """Keep a number to which the code came."""
        self.set_phone(user, phone, verified=True)

    def send_verification_code_sms(self, user: Any, phone: str, code: str, **_more: Any) -> None:
        """Send a code; where the gateway fails, say so to whoever waits for it."""
        del user
        try:
            send_text(phone, _("%(code)s is your code for openbenefits.") % {"code": code})
        except httpx.HTTPError as fault:
            LOG.warning("a text message did not go out: %s", type(fault).__name__)
            told = _("The message did not go out. Try again later, or have the code sent by e-mail.")
            messages.error(self.request, told)


class StaffAdapter(DefaultSocialAccountAdapter):
    """Who comes by the company's own sign-in is a user already, found by the verified address."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Refuse whoever is no user yet."""
        del request, sociallogin
        return False

    def can_authenticate_by_email(self, login: Any, email: str) -> bool:
        """Take the word of the company's sign-in for an address."""
        del login, email
        return True


def link_token(user: User) -> str:
    """Make the token of a link that signs a user in once, within LINK_SECONDS."""
    return signing.dumps({"user": user.pk, "last": _last_seen(user)}, salt=LINK_SALT)


def invitation_token(user: User) -> str:
    """Make the token of a link that signs a new user in once, within INVITED_DAYS."""
    return signing.dumps({"user": user.pk, "last": _last_seen(user)}, salt=INVITED_SALT)


def user_of_token(token: str) -> User | None:
    """Find whom a link signs in; None if it is too old, was used, or was never ours."""
    said = _said(token, LINK_SALT, LINK_SECONDS) or _said(token, INVITED_SALT, INVITED_DAYS * 24 * 60 * 60)
    if said is None:
        return None
    user = User.objects.filter(pk=said["user"], is_active=True).first()
    return user if user is not None and _last_seen(user) == said["last"] else None


def invitation_code(user: User, last_on: date) -> str:
    """Make a code that signs a new user in once, until a day: for letters and text messages, to be typed."""
    return typed_codes.written(user.pk, last_on, _last_seen(user))


def user_of_code(code: str, on: date) -> User | None:
    """Find whom a code signs in on a day; None if it is too old, was used, or was never ours."""
    user = User.objects.filter(pk=typed_codes.number_of(code, on), is_active=True).first()
    return user if user is not None and typed_codes.is_true(code, _last_seen(user)) else None


def _said(token: str, salt: str, seconds: int) -> dict[str, Any] | None:
    try:
        said: dict[str, Any] = signing.loads(token, salt=salt, max_age=seconds)
    except signing.BadSignature:
        return None
    return said


def _last_seen(user: User) -> str:
    return "" if user.last_login is None else user.last_login.isoformat()


def lacks_second_factor(user: User, *, is_staff: bool) -> bool:
    """Tell whether somebody must set up a second factor before anything else."""
    return is_staff and settings.SECOND_FACTOR == "staff" and not is_mfa_enabled(user)


def can_come_again(user: User) -> bool:
    """Tell whether somebody has a way in of his own: an address, a number, a passkey or a password."""
    if user.email or user.mobile or user.has_usable_password():
        return True
    return bool(is_mfa_enabled(user, types=[Authenticator.Type.WEBAUTHN]))
