from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.widget"
    label = "widget"
