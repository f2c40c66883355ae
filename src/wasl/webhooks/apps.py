from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.webhooks"
    label = "webhooks"
