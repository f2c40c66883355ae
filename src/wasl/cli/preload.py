"""What every process is forked from: the interpreter with all modules imported, once.

Measured on the idle product (docs/operating.md), the processes share most of their memory this way, and one that
was killed is back without importing anything.
"""

import os
from importlib import import_module

from wasl.cli.plan import Plan
from wasl.kit import collecting


class NotAlone(Exception):
    """A module started a thread while it was imported; a fork would have it missing."""


def preload(plan: Plan) -> None:
    """Import what the plan names, Django first where settings are named. Raises whatever an import raises."""
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        import django

        django.setup()
    for module in plan.preload:
        import_module(module)
    if (threads := len(os.listdir("/proc/self/task"))) > 1:
        raise NotAlone(f"{threads - 1} threads were started by an import")
    # What is in memory now stays: the collector would touch, and so copy, what the processes share.
    collecting.settle()
