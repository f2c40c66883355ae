from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.desk"
    label = "desk"
