from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.channels"
    label = "channels"
