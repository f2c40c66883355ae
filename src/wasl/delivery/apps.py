from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.delivery"
    label = "delivery"
