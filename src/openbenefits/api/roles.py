"""Who signs in for a client: listed, invited, a role ended; nobody gives more than his key may."""

from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from ninja import Path, Status
from pydantic import BaseModel, Field

from openbenefits.accounts import users
from openbenefits.accounts.models import Role, User
from openbenefits.accounts.roles import ROLES, Permission, RoleCode
from openbenefits.api.naming import at
from openbenefits.api.paging import Page, page_of
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Body, Code, Cursor, Id, Limit, Words

router = Routes("users and roles")
ADDRESS = r"^[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}$"
Roles = Literal[tuple(str(one) for one in ROLES if one is not RoleCode.EMPLOYEE)]  # type: ignore[valid-type]


class RoleShown(BaseModel):
    """A role somebody has for the client."""

    id: int
    user_id: int
    user: str = Field(description="The name he signs in by.")
    role: str
    given_by: str
    given_at: datetime
    last_sign_in: datetime | None


class NewRole(Body):
    """Who is to come in, and as what."""

    name: str = Field(min_length=2, max_length=150, pattern="^[a-z0-9][a-z0-9._@+-]+$")
    email: str = Field(max_length=254, pattern=ADDRESS)
    role: Roles  # type: ignore[valid-type]


class EndedRole(Body):
    """Why a role ends."""

    reason: Words


def _role(one: Role) -> dict[str, Any]:
    return {
        "id": one.pk,
        "user_id": one.user_id,
        "user": one.user.username,
        "role": one.code,
        "given_by": one.given_by,
        "given_at": one.given_at,
        "last_sign_in": one.user.last_login,
    }


@router.get("/clients/{client}/roles", response=Page[RoleShown], summary="List roles")
def list_roles(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List who has which role for the client; those for every client are the PEO's own and not listed."""
    desk = at(request, client, Permission.USERS)
    desk.saw("roles")
    rows = Role.objects.filter(client_id=desk.client_id, ended_at__isnull=True).select_related("user")
    return page_of(rows, _role, cursor=cursor, limit=limit)


@router.post("/clients/{client}/roles", response={201: RoleShown}, summary="Give a role")
def give_role(request: Any, client: Path[Code], said: NewRole) -> Any:
    """Give somebody a role; who is no user yet becomes one without a password, and is sent a link."""
    desk = at(request, client, Permission.USERS)
    order = users.Invitation(
        name=said.name, email=said.email, client_id=desk.client_id, code=RoleCode(said.role)
    )
    user = users.invite(desk.access, order, site=settings.PUBLIC_URL, author=desk.author, now=desk.now)
    desk.did("give a role")
    made = Role.objects.select_related("user").get(
        user=user, client_id=desk.client_id, code=said.role, ended_at__isnull=True
    )
    return Status(201, _role(made))


@router.post("/clients/{client}/roles/{role_id}/end", response={204: None}, summary="End a role")
def end_role(request: Any, client: Path[Code], role_id: Path[Id], said: EndedRole) -> Any:
    """End a role; nobody ends his own."""
    desk = at(request, client, Permission.USERS)
    found = Role.objects.filter(client_id=desk.client_id, pk=role_id, ended_at__isnull=True).first()
    if found is None:
        raise not_found("a role that stands", "correct the id; the list has them")
    user = User.objects.get(pk=found.user_id)
    users.end(desk.access, user, desk.client_id, RoleCode(found.code), author=desk.author, now=desk.now)
    desk.did("end a role", reason=said.reason)
    return Status(204, None)
