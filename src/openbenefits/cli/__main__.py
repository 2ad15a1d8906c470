"""`python -m openbenefits.cli`: the command line without an installed script."""

from openbenefits.cli.main import app

app(prog_name="openbenefits")
