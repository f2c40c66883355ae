from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.intake"
    label = "intake"
