"""A real Dovecot, in a folder and on ports of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from imapclient import IMAPClient

from tests.mailservers.certificates import Pair
from tests.processes import free_port, wait_for_port

DOVECOT = "/usr/sbin/dovecot"
PASSWORD = "une-clé-à-étoiles"

USERS = [f"user{number}" for number in range(30)]

_numbers = itertools.count(1)


def needed() -> None:
    """Without Dovecot tests are skipped; in CI they fail."""
    if not Path(DOVECOT).exists():
        words = "Dovecot is needed: apt-get install dovecot-imapd"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)


@dataclass
class Dovecot:
    """A running server. USERS may sign in with `password`, which can be changed."""

    folder: Path
    port: int
    tls_port: int
    process: subprocess.Popen[bytes]

    @property
    def password(self) -> str:
        """What signs everyone in."""
        return (self.folder / "password").read_text()

    def change_password(self, password: str) -> None:
        """From now on another."""
        _passwords(self.folder, password)
        time.sleep(1.1)  # Dovecot looks at the file once a second

    def client(self, user: str) -> IMAPClient:
        """Somebody's own mail program."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=60)
        client.plain_login(user, self.password)
        return client

    def append(self, user: str, *mails: bytes, folder: str = "INBOX") -> None:
        """Mail that arrives."""
        with self.client(user) as client:
            for mail in mails:
                client.append(folder, mail)

    def drop(self, user: str, *mails: bytes) -> None:
        """Much mail that has arrived, put into the maildir at once."""
        maildir = self.folder / "home" / user / "Maildir"
        owner = pwd.getpwnam(_owner())
        for each in (maildir.parent, maildir, *(maildir / name for name in ("cur", "new", "tmp"))):
            each.mkdir(exist_ok=True)
            os.chown(each, owner.pw_uid, owner.pw_gid)
        for mail in mails:
            path = maildir / "new" / f"{time.time():.6f}.{next(_numbers)}.test"
            path.write_bytes(mail)
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def kill_sessions(self) -> None:
        """Every connection ends in the middle of what it does, as when a server is restarted."""
        for line in subprocess.run(
            ["ps", "-eo", "pid,ppid,comm"], capture_output=True, text=True
        ).stdout.splitlines():
            pid, parent, name = (*line.split(), "", "")[:3]
            if name == "imap" and parent == str(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)


def _owner() -> str:
    return "dovecot" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def _passwords(folder: Path, password: str) -> None:
    (folder / "password").write_text(password)
    (folder / "users").write_text("".join(f"{user}:{{PLAIN}}{password}::::::\n" for user in USERS))
    moment = time.time() + next(_numbers)  # read again when its time is another
    os.utime(folder / "users", (moment, moment))


@contextmanager
def running(pair: Pair, *, introspection: str = "", more: str = "") -> Iterator[Dovecot]:
    """A server with a certificate; `introspection` is where it asks about access tokens (RFC 7662)."""
    needed()
    folder = Path(tempfile.mkdtemp(prefix="wasl-dovecot-"))
    folder.chmod(0o755)
    (folder / "home").mkdir()
    owner = pwd.getpwnam(_owner())
    os.chown(folder / "home", owner.pw_uid, owner.pw_gid)
    _passwords(folder, PASSWORD)
    port, tls_port = free_port(), free_port()
    (folder / "dovecot.conf").write_text(_configuration(folder, pair, port, tls_port, introspection) + more)
    process = subprocess.Popen([DOVECOT, "-F", "-c", str(folder / "dovecot.conf")], stderr=subprocess.PIPE)
    try:
        wait_for_port(port, process)
        yield Dovecot(folder, port, tls_port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        assert process.stderr
        process.stderr.close()
        shutil.rmtree(folder, ignore_errors=True)


def _configuration(folder: Path, pair: Pair, port: int, tls_port: int, introspection: str) -> str:
    owner = _owner()
    login = "dovenull" if os.geteuid() == 0 else owner
    oauth = ""
    if introspection:
        (folder / "oauth.conf").write_text(
            f"introspection_mode = post\nintrospection_url = {introspection}\n"
            "username_attribute = username\nactive_attribute = active\nactive_value = true\n"
            f"tls_ca_cert_file = {pair.certificate}\n"
        )
        oauth = f"passdb {{\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = {folder}/oauth.conf\n}}\n"
    return f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{pair.certificate}
ssl_key = <{pair.key}
ssl_dh =
disable_plaintext_auth = no
auth_mechanisms = plain login {"xoauth2" if introspection else ""}
auth_failure_delay = 0 secs
mail_location = maildir:~/Maildir
mail_max_userip_connections = 50
first_valid_uid = 1
first_valid_gid = 1
default_internal_user = {owner}
default_internal_group = {owner}
default_login_user = {login}
{oauth}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={folder}/home/%u allow_all_users=yes
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
"""


def mail(number: int, subject: str = "", sender: str = "amal@home.example", text: str = "") -> bytes:
    """A customer's mail; different for each number."""
    made = EmailMessage()
    made["From"] = f"Amal {number} <{sender}>"
    made["To"] = "support@dar-zaytun.example"
    made["Subject"] = subject or f"Question {number}"
    made["Message-ID"] = f"<{number}.question@home.example>"
    made["Date"] = "Mon, 16 Nov 2026 09:00:00 +0000"
    made.set_content(text or f"This is question number {number}.")
    return made.as_bytes().replace(b"\n", b"\r\n")
