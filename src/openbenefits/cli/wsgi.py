"""The WSGI application of `openbenefits serve`, loaded by each worker process."""

from django.conf import settings

from openbenefits.store import boot

boot()
settings.ROOT_URLCONF = "openbenefits.cli.web"

from openbenefits.cli.web import application as make  # noqa: E402 - its models need Django ready

application = make()
