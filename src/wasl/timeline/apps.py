from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.timeline"
    label = "timeline"
