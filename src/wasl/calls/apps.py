from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.calls"
    label = "calls"
