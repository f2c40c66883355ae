"""Every WASL_* setting: one table, read once from the environment and checked before anything starts.

The table is the dataclass `Env` itself: a field `http_port` is the setting `WASL_HTTP_PORT`, its default
is written as a person would write it in the environment, and its help is what `docs/operating.md` prints.
Plain Python without Django: the supervisor, which must stay small, reads it too.
"""

# ruff: noqa: RUF009 - `setting` returns a dataclass field

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wasl.config import kinds, rules
from wasl.kit import keyfile


class BadSettings(Exception):
    """One or more settings cannot be used; `problems` holds a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: how a setting is called, written, understood and explained."""

    name: str
    attribute: str
    default: str
    kind: kinds.Kind
    help: str
    group: str
    secret: bool


def setting(group: str, default: str, kind: kinds.Kind, help: str, *, secret: bool = False) -> Any:
    """Declare a field of `Env` together with its row in the table."""
    row = {"group": group, "default": default, "kind": kind, "help": help, "secret": secret}
    return field(metadata=row, repr=not secret)


PLACE, WEB, MAIL, OUT, KEYS, FILES, RUN = (
    "Where things are",
    "Pages and API",
    "Incoming mail",
    "Outgoing messages",
    "Keys",
    "Attachments",
    "Running",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """The settings of one installation, parsed. Sizes are bytes, durations seconds, a port of None is off."""

    data_dir: Path = setting(
        PLACE,
        "./data",
        kinds.path,
        "Folder for everything Wasl keeps on this machine: database, keys, attachments, logs.",
    )
    database_url: str = setting(
        PLACE,
        "",
        kinds.database_url,
        "A PostgreSQL of your own (15 or later), as an owner who may create roles. "
        "Empty: Wasl runs its own PostgreSQL in the data folder.",
        secret=True,
    )
    http_host: str = setting(WEB, "127.0.0.1", kinds.text, "Address on which pages and API listen.")
    http_port: int = setting(WEB, "8025", kinds.number(0, 65535), "Port of pages and API.")
    public_url: str = setting(
        WEB,
        "",
        kinds.web_url,
        "The address people type, such as https://desk.example.com. Used in links and for cookies. "
        "Empty: http://localhost with the port.",
    )
    allowed_hosts: tuple[str, ...] = setting(
        WEB,
        "",
        kinds.words,
        "More host names under which pages may be opened, separated by commas. "
        "The host of the public address and this machine's own names are always allowed.",
    )
    proxies: int = setting(
        WEB,
        "0",
        kinds.number(0, 10),
        "How many servers of yours stand in front of the pages, each adding to X-Forwarded-For. With 0 whoever asks is"
        " known by the address they connect from: behind a proxy everybody would share its limits.",
    )
    http_body_limit: int = setting(
        WEB,
        "36 MB",
        kinds.size,
        "Largest request accepted; a larger one gets 413. 36 MB holds 25 MB of attachments as mail encodes them.",
    )
    body_timeout: float = setting(
        WEB, "60 s", kinds.duration, "How long a request may take to arrive in full before it is ended."
    )
    web_threads: int = setting(
        WEB, "8", kinds.number(1, 64), "Pages made at the same time. Each may hold one database connection."
    )
    api_rate: int = setting(
        WEB,
        "5000",
        kinds.number(0, 1_000_000),
        "Requests a second that one API token may make of one web process, and twice as many at once after a "
        "pause; more get 429. 0 is no limit.",
    )
    smtp_host: str = setting(MAIL, "127.0.0.1", kinds.text, "Address on which SMTP and LMTP listen.")
    smtp_port: int | None = setting(
        MAIL, "2525", kinds.port, "Port of the SMTP listener for incoming mail, or off."
    )
    lmtp_port: int | None = setting(
        MAIL, "2424", kinds.port, "Port of the LMTP listener, for a mail server in front of Wasl, or off."
    )
    smtp_tls_cert: Path | None = setting(
        MAIL, "", kinds.optional_file, "Certificate (PEM) offered with STARTTLS. Needs the key as well."
    )
    smtp_tls_key: Path | None = setting(
        MAIL, "", kinds.optional_file, "Private key (PEM) of that certificate."
    )
    smtp_size_limit: int = setting(
        MAIL, "36 MB", kinds.size, "Largest message accepted, as encoded; a larger one gets 552."
    )
    mail_host: str = setting(
        MAIL,
        "",
        kinds.text,
        "The host name under which mail reaches this Wasl, for the addresses that mail is forwarded to. "
        "Empty: the host of the public address.",
    )
    mail_authserv: tuple[str, ...] = setting(
        MAIL,
        "",
        kinds.words,
        "Names of your mail servers as they stand in Authentication-Results, such as mx.example.org. What they found "
        "out about a sender is believed: see “What Wasl makes of incoming mail”. Empty: nobody is.",
    )
    imap_size_limit: int = setting(
        MAIL,
        "80 MB",
        kinds.size,
        "Largest message fetched from an outside mailbox. A larger one stays there and is noted among what was "
        "set aside.",
    )
    imap_mailboxes: int = setting(
        MAIL,
        "20",
        kinds.number(1, 500),
        "Outside mailboxes that one worker looks into at the same time. With more, they take turns.",
    )
    private_servers: bool = setting(
        MAIL,
        "on",
        kinds.switch,
        "Whether administrators may name mail servers inside the local network. Turn it off where those who "
        "administer a workspace should not reach your network.",
    )
    smtp_relay: kinds.Relay | None = setting(
        OUT,
        "",
        kinds.relay,
        "The mail server that sends for every inbox without one of its own: "
        "smtp://user:password@host:587 (STARTTLS), smtps://… (TLS) or smtp+plain://… (without, for your own network).",
        secret=True,
    )
    worker_senders: int = setting(
        OUT, "8", kinds.number(1, 64), "Messages handed to providers at the same time by one worker."
    )
    delivery_max_attempts: int = setting(
        OUT, "12", kinds.number(1, 1000), "Tries on one channel before a delivery has failed."
    )
    delivery_deadline: float = setting(
        OUT, "3 d", kinds.duration, "Time after which an unfinished delivery has failed."
    )
    undo_seconds: int = setting(
        OUT,
        "10",
        kinds.number(0, 120),
        "Seconds that an answer written in the browser waits before it leaves, so that it can be taken back.",
    )
    link_lifetime: float = setting(
        OUT,
        "30 d",
        kinds.duration,
        "How long the link in a mail opens the customer's conversation. A new one can be asked for on its page.",
    )
    delivery_retry_wait: float = setting(
        OUT,
        "30 s",
        kinds.duration,
        "Wait before the first new try; it doubles with each, with some chance in it.",
    )
    delivery_in_doubt_wait: float = setting(
        OUT,
        "10 min",
        kinds.duration,
        "How long to look for proof when a provider's answer was lost, before the message is sent once more.",
    )
    webhook_calls: int = setting(
        OUT, "8", kinds.number(1, 64), "Webhooks that one worker calls at the same time."
    )
    webhook_private: bool = setting(
        OUT,
        "off",
        kinds.switch,
        "Let webhooks call addresses of your own network, and by plain http. For a network that only you are in: "
        "whoever administers a workspace can then call anything that this machine reaches.",
    )
    fonts: str = setting(
        OUT,
        "/usr/share/fonts:/usr/local/share/fonts",
        kinds.text,
        "Folders with the fonts of letters, with : between them. Debian's fonts-noto-core has what is needed.",
    )
    print_dir: str = setting(
        OUT,
        "",
        kinds.text,
        "Folder into which letters are put for whoever prints them. Empty: `print` in the data folder.",
    )
    secret_key: str = setting(
        KEYS,
        "",
        kinds.secret,
        "Signs sessions and derives the database passwords. Empty: made at the first start, in the folder keys.",
        secret=True,
    )
    master_key: str = setting(
        KEYS,
        "",
        kinds.key32,
        "Wraps the keys of customers: 32 bytes as 64 hexadecimal digits. "
        "Empty: made at the first start, in the folder keys. Without it nothing can be read: keep a copy.",
        secret=True,
    )
    log_key: str = setting(
        KEYS,
        "",
        kinds.key32,
        "Signs the checkpoints of the timeline's log (Ed25519): 32 bytes as 64 hexadecimal digits. "
        "Empty: made at the first start, in the folder keys.",
        secret=True,
    )
    blob_store: str = setting(
        FILES,
        "",
        kinds.blob_store,
        "Where attachments are kept: a folder, or s3://bucket/prefix. Empty: the folder blobs in the data folder.",
    )
    s3_endpoint: str = setting(
        FILES, "", kinds.web_url, "Address of an S3-compatible store other than Amazon's."
    )
    s3_region: str = setting(FILES, "us-east-1", kinds.text, "Region of the bucket.")
    s3_access_key: str = setting(FILES, "", kinds.text, "Access key of the bucket.", secret=True)
    s3_secret_key: str = setting(FILES, "", kinds.text, "Secret key of the bucket.", secret=True)
    sandbox: bool = setting(
        RUN,
        "off",
        kinds.switch,
        "Stand-in providers and the customers' page, to try Wasl without sending anything to the outside. "
        "The demo turns it on.",
    )
    sandbox_smtp_port: int = setting(
        RUN, "2626", kinds.number(0, 65535), "Port on which the sandbox's mail provider listens."
    )
    sandbox_http_port: int = setting(
        RUN,
        "2627",
        kinds.number(0, 65535),
        "Port on which the sandbox's stand-ins of chat providers answer, and its mail provider what it took.",
    )
    sample_data: Path = setting(
        RUN,
        "../shared/data",
        kinds.checkout_path,
        "Development data for tests and benchmarks, from the checkout.",
    )
    log_level: str = setting(
        RUN, "info", kinds.choice("debug", "info", "warning", "error"), "How much is written to the log."
    )
    log_format: str = setting(
        RUN, "text", kinds.choice("text", "json"), "Log lines for people (text) or for programs (json)."
    )
    debug: bool = setting(
        RUN, "off", kinds.switch, "Show errors in full in the browser. Never on a machine others can reach."
    )

    @property
    def run_dir(self) -> Path:
        """Folder of sockets, locks and the status file."""
        return self.data_dir / "run"

    @property
    def print_folder(self) -> Path:
        """Folder of letters to be printed."""
        return Path(self.print_dir).expanduser().resolve() if self.print_dir else self.data_dir / "print"

    @property
    def keys(self) -> "Keys":
        """The two secrets, made at the first call where none is set."""
        folder = self.data_dir / "keys"
        return Keys(
            self.secret_key or keyfile.read_or_create(folder / "secret"),
            bytes.fromhex(self.master_key or keyfile.read_or_create(folder / "master")),
        )

    @property
    def log_seed(self) -> bytes:
        """The Ed25519 private key of the timeline's log, 32 bytes; made at the first call where none is set."""
        return bytes.fromhex(self.log_key or keyfile.read_or_create(self.data_dir / "keys" / "log"))


@dataclass(frozen=True, slots=True)
class Keys:
    """`secret_key` signs sessions and derives passwords; `master_key` (32 bytes) wraps the keys of customers."""

    secret_key: str
    master_key: bytes


def table() -> list[Setting]:
    """Every setting, in the order in which they are explained."""
    return [
        Setting(name="WASL_" + f.name.upper(), attribute=f.name, **f.metadata)  # the rows of `setting`
        for f in fields(Env)
    ]


def load(environ: Mapping[str, str] | None = None) -> Env:
    """Read and check the settings of `environ` (the process's own by default).

    Raises BadSettings with one sentence for each thing that is wrong.
    """
    environ = os.environ if environ is None else environ
    rows = table()
    problems = _unknown(environ, {row.name for row in rows})
    values: dict[str, Any] = {}
    for row in rows:
        raw = environ.get(row.name, "").strip() or row.default
        try:
            values[row.attribute] = row.kind.parse(raw)
        except ValueError as error:
            problems.append(f"{row.name}{_shown(row, raw)} {error}")
    if not problems:
        problems = [sentence for rule in rules.RULES if (sentence := rule(Env(**values)))]
    if problems:
        raise BadSettings(problems)
    return _complete(Env(**values))


def _complete(env: Env) -> Env:
    """Fill in what follows from other settings."""
    public = env.public_url.rstrip("/") or f"http://localhost:{env.http_port}"
    own = [urlsplit(public).hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]
    if not rules.is_wildcard(env.http_host):
        own.append(env.http_host)
    hosts = tuple(dict.fromkeys([*own, *env.allowed_hosts]))
    return replace(
        env, public_url=public, allowed_hosts=hosts, blob_store=env.blob_store or str(env.data_dir / "blobs")
    )


def _shown(row: Setting, raw: str) -> str:
    return "" if row.secret else f"={raw!r}"


def _unknown(environ: Mapping[str, str], known: set[str]) -> list[str]:
    problems = []
    for name in sorted(environ):
        if name.startswith("WASL_") and name not in known | rules.CLIENTS:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f" Did you mean {near[0]}?" if near else " `wasl check --settings` lists them all."
            problems.append(f"{name} is not a setting of Wasl.{hint}")
    return problems
