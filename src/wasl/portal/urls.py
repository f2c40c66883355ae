"""The customers' pages. All of them are on the public list: the link is what opens them."""

from django.urls import path

from wasl.portal import kiosk, viewer, views

urlpatterns = [
    path("c/<str:token>", views.page, name="portal"),
    path("c/<str:token>/news", views.news, name="portal_news"),
    path("c/<str:token>/write", views.send, name="portal_send"),
    path("c/<str:token>/call", views.call, name="portal_call"),
    path("c/<str:token>/renew", views.renew, name="portal_renew"),
    path("m/<str:token>.glb", viewer.scene, name="model_file"),
    path("view/words", viewer.words, name="viewer_words"),
    path("k/<str:token>", kiosk.kiosk, name="kiosk"),
    path("k/<str:token>/screen", kiosk.screen, name="kiosk_screen"),
    path("c/<str:token>/files/<uuid:file_id>", views.file, name="portal_file"),
]
