from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.devices"
    label = "devices"
