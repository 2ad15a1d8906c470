from django.apps import AppConfig


class PayrollConfig(AppConfig):
    name = "openbenefits.payroll"
    label = "payroll"
