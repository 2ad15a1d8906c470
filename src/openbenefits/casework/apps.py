from django.apps import AppConfig


class CaseworkConfig(AppConfig):
    """Tasks and cases: what a person has to do, by when, and what becomes of it."""

    name = "openbenefits.casework"
