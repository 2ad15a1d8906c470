"""Figures of design §6, measured in one run and printed beside what they should be. Nothing is asserted."""

from openbenefits.store.startup import set_up_django

NO_DATABASE = "postgresql:///bench_uses_a_server_of_its_own"

set_up_django(NO_DATABASE)  # at import: the modules import models
