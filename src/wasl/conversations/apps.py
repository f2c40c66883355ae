from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.conversations"
    label = "conversations"
