"""Roles as programs list, give and end them: none above what the key itself may."""

from openbenefits.accounts.models import User

ROLES = "/clients/harbor/roles"
BEA = {"name": "bea", "email": "bea@example.com", "role": "broker"}


def test_a_role_is_given_listed_and_ended(harbor, quill):
    before = {one["id"] for one in harbor.get(ROLES).json()["items"]}
    made = harbor.post(ROLES, BEA)
    assert made.status_code == 201, made.content
    given = made.json()
    assert (given["user"], given["role"]) == ("bea", "broker")
    assert User.objects.get(username="bea").has_usable_password() is False
    assert harbor.post(ROLES, BEA).json()["id"] == given["id"]  # twice is once
    assert {one["id"] for one in harbor.get(ROLES).json()["items"]} == before | {given["id"]}
    assert harbor.post(ROLES, BEA | {"email": "other@example.com"}).status_code == 409
    assert harbor.post(ROLES, BEA | {"role": "employee"}).status_code == 422
    assert quill.get(ROLES).status_code == 404
    assert quill.post(f"{ROLES}/{given['id']}/end", {"reason": "x"}).status_code == 404
    assert harbor.post(f"{ROLES}/{given['id']}/end", {"reason": "left"}).status_code == 204
    assert harbor.post(f"{ROLES}/{given['id']}/end", {"reason": "left"}).status_code == 404
