"""What runs under one roof: the roles of an installation, in the order in which they stop."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from wasl.config.env import Env


@dataclass(frozen=True, slots=True)
class Role:
    """A process that is kept running: `target` is `module:function`, a function that blocks until it is to end.

    Roles of a lower `stage` are told to stop first.
    """

    name: str
    target: str
    stage: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a supervisor needs to know. `jobs` run one after the other before any role, once.

    `preload` names the modules that every role is forked with; `report` asks for time and memory once it runs,
    `fetched` being the seconds that fetching packages took before.
    """

    env: Env
    roles: tuple[Role, ...]
    jobs: tuple[Role, ...] = ()
    preload: tuple[str, ...] = ()
    report: bool = False
    fetched: float = 0.0

    @property
    def notice(self) -> str:
        """What a job left to be said when everything is ready."""
        path = self.env.run_dir / "notice.txt"
        return path.read_text() if path.exists() else ""


# Doors close first, so that nothing new is accepted; whatever was accepted is then in the database.
WEB = Role("web", "wasl.doors.web:serve", stage=1)
MAIL = Role("mail", "wasl.doors.mail:serve", stage=1)
WORKER = Role("worker", "wasl.config.worker:run", stage=2)
SANDBOX = Role("sandbox", "wasl.sandbox.provider:serve", stage=3)
ROLES = {role.name: role for role in (WEB, MAIL, WORKER, SANDBOX)}

# What the roles import only once they run, and would each hold a copy of.
PRELOAD = ("wasl.doors.front", "wasl.live.hub", "wasl.live.roster", "wasl.config.urls")

MIGRATE = Role("migrate", "wasl.cli.jobs:migrate")
LOAD_DEMO = Role("demo", "wasl.cli.jobs:load_demo")


def plan_for(env: Env, *, demo: bool = False, fetched: float = 0.0) -> Plan:
    """What this installation's settings ask for."""
    listens = env.smtp_port is not None or env.lmtp_port is not None
    chosen = (WEB, MAIL if listens else None, WORKER, SANDBOX if env.sandbox else None)
    roles = tuple(role for role in chosen if role)
    return Plan(
        env=env,
        roles=roles,
        jobs=(MIGRATE, LOAD_DEMO) if demo else (MIGRATE,),
        preload=(*(role.target.partition(":")[0] for role in roles), *PRELOAD),
        report=demo,
        fetched=fetched,
    )


def resolve(target: str) -> Any:
    """The function that `module:function` names."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
