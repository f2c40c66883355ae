"""Every address of the web surfaces that Django serves."""

from django.conf import settings
from django.urls import include, path

urlpatterns = [
    path("api/", include("wasl.api.urls")),
    path("", include("wasl.portal.urls")),
    path("", include("wasl.workspace.urls")),
]

if settings.ENV.sandbox:
    urlpatterns.append(path("", include("wasl.sandbox.urls")))

handler400 = "wasl.workspace.views.errors.bad_request"
handler403 = "wasl.workspace.views.errors.forbidden"
handler404 = "wasl.workspace.views.errors.not_found"
handler429 = "wasl.workspace.views.errors.too_many"  # looked for by allauth
handler500 = "wasl.workspace.views.errors.server_error"
