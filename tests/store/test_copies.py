"""The databases of tests: what is handed out as blank is blank."""

import os

import psycopg
import pytest
from tests import copies

from openbenefits.store import server

WRITE = "INSERT INTO workforce_client (code, name) VALUES ('acme', 'Acme')"


@pytest.mark.parametrize(
    ("statements", "is_blank"),
    [(["SELECT * FROM workforce_client"], True), ([WRITE], False), ([WRITE, "ROLLBACK"], False), ([], True)],
)
def test_only_what_nobody_wrote_into_is_handed_out_again(embedded_server, template, statements, is_blank):
    new = f"test_{os.getpid()}_of_copies"
    name = copies.blank(embedded_server, new, template)
    with psycopg.connect(embedded_server.url(name)) as connection:
        for statement in statements:
            connection.execute(statement)
    with server.administration(embedded_server) as session:
        copies.set_aside(embedded_server, session, name)
    again = copies.blank(embedded_server, new, template)
    assert (again != new) is is_blank
    server.drop_database(embedded_server, again)
