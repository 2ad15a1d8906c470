from django.apps import AppConfig


class EnrollmentConfig(AppConfig):
    name = "openbenefits.enrollment"
    label = "enrollment"
