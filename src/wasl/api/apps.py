from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.api"
    label = "api"
