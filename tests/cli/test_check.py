"""`wasl check`: says what is wrong, in words, and nothing is wrong when nothing is."""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wasl.cli import check, check_database, check_doors, check_machine, check_timeline
from wasl.cli.finding import Finding, span
from wasl.config.env import Env, load
from wasl.kit.ids import uuid7
from wasl.kit.postgres import Cluster

Connection = psycopg.Connection[Any]


@pytest.fixture
def env(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Env:
    del cluster
    for name in ("HTTP", "SMTP", "LMTP"):
        monkeypatch.setenv(f"WASL_{name}_PORT", "1" if name == "HTTP" else "off")
    return load()


def only(findings: Iterator[Finding], name: str) -> Finding:
    (found,) = [finding for finding in findings if finding.name == name]
    return found


def test_a_sound_database_passes(env: Env, owner: Connection, db: None) -> None:
    found = {finding.name: finding for finding in check_database.findings(env, owner)}
    assert {name for name, finding in found.items() if finding.state != "ok"} == {"durability", "workspaces"}
    assert found["durability"].text.startswith("fsync, full_page_writes, synchronous_commit is off")
    assert found["database"].text.startswith("PostgreSQL 18")
    moving = {finding.name: finding.state for finding in check_timeline.findings(env, owner)}
    assert moving == {"worker": "fail", "followers": "ok", "horizon": "ok", "live": "ok"}


def test_a_heartbeat_is_young_or_old(env: Env, owner: Connection, db: None) -> None:
    beat = "INSERT INTO timeline_heartbeat (role, host, pid, at) VALUES ('worker', 'h', %s, now() - %s)"
    assert "has never run" in only(check_timeline.heartbeats(env, owner), "worker").text
    owner.execute(beat, [1, timedelta(minutes=9)])
    old = only(check_timeline.heartbeats(env, owner), "worker")
    assert (old.state, old.text) == ("fail", "last seen 9 minutes ago")
    owner.execute(beat, [2, timedelta(seconds=3)])
    assert only(check_timeline.heartbeats(env, owner), "worker").state == "ok"


def test_mail_is_expected_only_where_it_listens(env: Env, owner: Connection, db: None) -> None:
    assert "mail" not in {finding.name for finding in check_timeline.heartbeats(env, owner)}
    listening = replace(env, lmtp_port=2424)
    assert only(check_timeline.heartbeats(listening, owner), "mail").state == "fail"


def test_a_follower_that_is_behind_is_named(cluster: Cluster, owner: Connection, db: None) -> None:
    boss = psycopg.connect(
        f"{cluster.conninfo('postgres')} options='-c session_replication_role=replica'", autocommit=True
    )
    owner.execute(
        "INSERT INTO timeline_follower VALUES ('log', 0, '0', '00000000-0000-0000-0000-000000000000', now())"
    )
    assert only(check_timeline.followers(owner), "followers").state == "ok"
    for seconds, state in ((3, "ok"), (30, "warn"), (900, "fail")):
        boss.execute(  # as a replica: no customer has to be there
            "INSERT INTO timeline_touchpoint (id, workspace_id, customer_id, occurred_at, recorded_at, kind, channel,"
            " facts, leaf, epoch, tx) VALUES (%s, %s, %s, now(), now() - %s, 'x', '', '{}', '\\x00', 1, '1')",
            [uuid7(), uuid7(), uuid7(), timedelta(seconds=seconds)],
        )
        found = only(check_timeline.followers(owner), "followers")
        assert (found.state, found.text.startswith("log is ")) == (state, True), found
    boss.close()
    owner.execute(
        "INSERT INTO timeline_parked (follower, workspace_id, touchpoint_id, error, parked_at)"
        " VALUES ('log', %s, %s, 'ValueError', now())",
        [uuid7(), uuid7()],
    )
    assert only(check_timeline.followers(owner), "parked").state == "warn"


def test_who_holds_the_horizon_is_named(cluster: Cluster, owner: Connection, db: None) -> None:
    with psycopg.connect(cluster.owner_dsn, application_name="a forgotten import") as holder:
        holder.execute("CREATE TEMPORARY TABLE held (x int)")
        found = check_timeline.horizon(owner)
        assert "by a forgotten import (process" in found.text
        assert (found.state, found.advice) == ("ok", ""), "a moment is no reason to worry"
        holder.rollback()
    assert check_timeline.horizon(owner).state == "ok"


def test_a_long_hold_fails_with_the_way_out(
    owner: Connection, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    monkeypatch.setattr(check_timeline, "HOLD_FAIL", 0.05)
    with psycopg.connect(cluster.owner_dsn) as holder:
        holder.execute("CREATE TEMPORARY TABLE held (x int)")
        time.sleep(0.1)
        found = check_timeline.horizon(owner)
        assert found.state == "fail"
        assert (
            found.advice
            == f"End it if nobody knows it: SELECT pg_terminate_backend({holder.info.backend_pid})."
        )
        holder.rollback()


@pytest.mark.parametrize(("attribute", "role"), [("BYPASSRLS", "wasl_app"), ("SUPERUSER", "wasl_queue")])
def test_a_role_that_passes_over_row_security_fails(
    env: Env, cluster: Cluster, owner: Connection, attribute: str, role: str
) -> None:
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as boss:
        boss.execute(f"ALTER ROLE {role} {attribute}".encode())
        try:
            states = [finding for finding in check_database.roles(env, owner) if finding.state == "fail"]
        finally:
            boss.execute(f"ALTER ROLE {role} NO{attribute}".encode())
    (found,) = states
    assert role in found.text
    assert found.advice == f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS"


def test_a_role_that_cannot_get_in_fails(env: Env, cluster: Cluster, owner: Connection) -> None:
    other = replace(env, secret_key="another key that is long enough to be one")
    with psycopg.connect(cluster.owner_dsn) as conn:
        monkey = replace(
            other, database_url=f"postgresql://wasl_owner@/wasl?host={conn.info.host}&port={conn.info.port}"
        )
    failed = [finding for finding in check_database.roles(monkey, owner) if finding.state == "fail"]
    assert len(failed) == 2
    assert all("password authentication failed" in finding.text for finding in failed)


def test_migrations_that_are_missing_or_too_new_fail(owner: Connection) -> None:
    assert check_database.migrations().state == "ok"
    row = owner.execute(
        "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations) RETURNING app, name, applied"
    ).fetchone()
    assert row
    try:
        assert check_database.migrations().text == "1 are not applied."
    finally:
        owner.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", row)
    owner.execute(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('timeline', '9999_later', now())"
    )
    try:
        assert "later version" in check_database.migrations().text
    finally:
        owner.execute("DELETE FROM django_migrations WHERE name = '9999_later'")


def test_a_clock_that_is_off_is_seen(owner: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_database.clock(owner).state == "ok"
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 45)
    assert check_database.clock(owner).state == "fail"
    monkeypatch.setattr(time, "time", lambda: real() - 5)
    assert check_database.clock(owner).state == "warn"


@contextmanager
def answering(*lines: bytes) -> Iterator[int]:
    """A server that greets one client, and answers whatever it says with the rest."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(lines[0])
                for line in lines[1:]:
                    connection.recv(4096)
                    connection.sendall(line)
                connection.recv(4096)

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize(
    ("lines", "state", "words"),
    [
        ((b"220 hello\r\n", b"250-me\r\n250-SIZE 9\r\n250 STARTTLS\r\n"), "ok", "with STARTTLS"),
        ((b"220 hello\r\n", b"250 me\r\n"), "ok", "without STARTTLS"),
        ((b"220 hello\r\n", b"502 what?\r\n"), "fail", "502 what?"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), "fail", "does not speak SMTP"),
    ],
)
def test_the_mail_door_is_knocked_on(env: Env, lines: tuple[bytes, ...], state: str, words: str) -> None:
    with answering(*lines) as port:
        found = check_doors.mail(env, "SMTP", port, "EHLO")
    assert (found.state, words in found.text) == (state, True), found


@pytest.mark.parametrize(("status", "state"), [("200 OK", "ok"), ("503 Service Unavailable", "fail")])
def test_pages_are_knocked_on(env: Env, status: str, state: str) -> None:
    answer = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    with answering(b"", answer) as port:
        assert check_doors.web(replace(env, http_port=port)).state == state


def test_closed_doors_fail_with_the_port(env: Env) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert f"port {port}" in check_doors.web(replace(env, http_port=port)).text
    assert check_doors.mail(env, "LMTP", port, "LHLO").state == "fail"


def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, state in ((10**10, "ok"), (10**9, "warn"), (10**8, "fail")):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: type("Usage", (), {"free": free}))
        assert check_machine.disk(tmp_path).state == state


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (3, "warn"), (-2, "fail")])
def test_the_certificate_has_time_left(tmp_path: Path, days: int, state: str) -> None:
    key, moment = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(moment - timedelta(days=100))
        .not_valid_after(moment + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "cert.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    assert check_machine.certificate(path).state == state
    path.write_text("not a certificate")
    assert check_machine.certificate(path).state == "fail"


def test_looking_at_a_folder_that_was_never_used_leaves_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in list(os.environ):
        if name.startswith("WASL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("WASL_DATA_DIR", str(tmp_path / "data"))
    assert check.run() == 1
    assert "was never used by Wasl" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_bad_settings_are_findings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WASL_WEB_THREADS", "many")
    assert check.run(as_json=True) == 2
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["state"]) == ("settings", "fail")
    assert "WASL_WEB_THREADS='many'" in found["text"]


def test_the_whole_of_it_and_its_exit_code(env: Env, db: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run() == 1
    text = capsys.readouterr().out
    assert "FAIL  pages" in text
    assert "checks failed." in text
    assert "ok    migrations" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.004, "4 ms"),
        (5, "5 s"),
        (119, "119 s"),
        (600, "10 minutes"),
        (9000, "2 hours"),
        (200_000, "2 days"),
    ],
)
def test_time_as_people_say_it(seconds: float, words: str) -> None:
    assert span(seconds) == words
