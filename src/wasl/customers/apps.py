from django.apps import AppConfig


class Room(AppConfig):
    name = "wasl.customers"
    label = "customers"
