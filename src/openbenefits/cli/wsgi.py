"""The WSGI application of `openbenefits serve`, loaded by each worker process."""

from openbenefits.store import boot

boot(as_face=True)

from openbenefits.cli.web import application as make  # noqa: E402 - its models need Django ready

application = make()
