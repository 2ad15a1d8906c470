"""Figures of design §6, measured in one run and printed beside what they should be. Nothing is asserted."""

from django.apps import apps

from openbenefits.store.startup import set_up_django

NO_DATABASE = "postgresql:///bench_uses_a_server_of_its_own"

if not apps.ready:  # a process of a run has found its database before it comes here
    set_up_django(NO_DATABASE)  # at import: the modules import models
