"""How pages write amounts: by the one function of the product."""

from django import template

from openbenefits.core.money import dollars

register = template.Library()
register.filter("dollars", dollars)
