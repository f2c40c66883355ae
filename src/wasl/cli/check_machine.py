"""Checks of this machine: what runs, memory, disk, certificate."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from wasl.cli import memory, status
from wasl.cli.finding import Finding, fail, graded, ok, span, warn
from wasl.config.env import Env
from wasl.kit.postgres import Cluster

DISK_WARN, DISK_FAIL = 2_000_000_000, 300_000_000
RESTARTS_WARN = 5
CERTIFICATE_WARN_DAYS = 14


def findings(env: Env) -> Iterator[Finding]:
    """Everything that needs no database."""
    yield from processes(env)
    yield disk(env.data_dir)
    if env.smtp_tls_cert:
        yield certificate(env.smtp_tls_cert)


def processes(env: Env) -> Iterator[Finding]:
    """What the supervisor of this machine keeps running, and what it costs."""
    state = status.read(env.run_dir)
    pids = status.pids(state) if state else {}
    if not state or not _alive(pids.get("supervisor", 0)):
        yield warn(
            "processes",
            "`wasl up` does not run on this data folder.",
            "Nothing to do if each role runs by itself (wasl web, wasl worker, wasl mail); otherwise `wasl up`.",
        )
        return
    for name, entry in state["processes"].items():
        if "restarts" in entry and (entry["state"] != "running" or entry["restarts"] > RESTARTS_WARN):
            last = f", last it {entry['last']}" if entry.get("last") else ""
            text = f"{name} is {entry['state']} and was started again {entry['restarts']} times{last}."
            advice = "The lines before each restart in the log of `wasl up` say why."
            yield graded("processes", text, advice, warn_if=True, fail_if=entry["state"] != "running")
    servers = [] if env.database_url else Cluster(env.data_dir, "").processes()
    named = {name: pid for name, pid in pids.items() if name != "postgres"}
    yield ok("processes", f"{', '.join(pids)} run")
    yield ok("memory", memory.report(memory.by_process(named, servers)))


def _alive(pid: int) -> bool:
    return pid > 0 and Path(f"/proc/{pid}").exists()


def disk(folder: Path) -> Finding:
    """Room for attachments and the database."""
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        return fail("disk", f"{folder} cannot be written to.", "Give the folder to the user that runs Wasl.")
    text = f"{free / 1e9:.1f} GB free under {folder}"
    advice = "Make room: when the disk is full, mail is refused for the time being (nothing is lost)."
    return graded("disk", text, advice, warn_if=free < DISK_WARN, fail_if=free < DISK_FAIL)


def certificate(path: Path) -> Finding:
    """The mail listener's certificate."""
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        return fail(
            "certificate", f"{path} cannot be read: {error}", "WASL_SMTP_TLS_CERT must name a PEM file."
        )
    left = (found.not_valid_after_utc - datetime.now(UTC)).total_seconds()
    text = f"valid for another {span(left)}" if left > 0 else f"expired {span(-left)} ago"
    advice = "Renew the certificate and restart; other servers may refuse to send you mail."
    return graded(
        "certificate", text, advice, warn_if=left < CERTIFICATE_WARN_DAYS * 86400, fail_if=left <= 0
    )
