from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.visits"
    label = "visits"
