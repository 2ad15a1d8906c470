from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    name = "openbenefits.compliance"
    label = "compliance"
