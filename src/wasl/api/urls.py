"""Every address of the API that Django serves, under /api/."""

from django.urls import URLPattern, URLResolver, path, re_path

from wasl.api import errors, reference
from wasl.api.surface import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/openapi.json", reference.json, name="api-document"),
    path("v1/docs", reference.page, name="api-docs"),
    path("v1/problems/<slug:slug>", errors.page, name="api-problem"),
    path("v1/", api.urls),
    re_path("^(?P<path>.*)$", errors.unknown, name="api-unknown"),
]
