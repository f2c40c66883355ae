from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.accounts"
    label = "accounts"
