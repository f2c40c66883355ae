"""The customers' side."""

from django.urls import path

from wasl.sandbox import shop, views, views_phone

urlpatterns = [
    path("sandbox", views.page, name="sandbox"),
    path("sandbox/somebody", views.somebody, name="sandbox_somebody"),
    path("sandbox/<uuid:person_id>", views.page, name="sandbox_person"),
    path("sandbox/<uuid:person_id>/shop", shop.page, name="sandbox_shop"),
    path("sandbox/<uuid:person_id>/send", views.send, name="sandbox_send"),
    path("sandbox/<uuid:person_id>/network", views.disturb, name="sandbox_network"),
    path("sandbox/<uuid:person_id>/mails/<str:name>/seen", views.seen, name="sandbox_seen"),
    path("sandbox/<uuid:person_id>/mails/<str:name>/junk", views.junk, name="sandbox_junk"),
    path("sandbox/<uuid:person_id>/phone/<slug:app>", views_phone.act, name="sandbox_phone"),
    path(
        "sandbox/<uuid:person_id>/phone/<slug:app>/network", views_phone.disturb, name="sandbox_phone_network"
    ),
    path("sandbox/<uuid:person_id>/phone/<slug:app>/<str:name>", views_phone.file, name="sandbox_phone_file"),
    path("sandbox/<uuid:person_id>/<str:box>/<str:name>/<int:number>", views.file, name="sandbox_file"),
]
