"""People's words for what is wrong with a mail server, and for what to do about it."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from babel.dates import format_date
from django.utils.translation import gettext as _

from wasl.channels.base import Reason
from wasl.channels.email.dial import Certificate
from wasl.channels.email.trouble import Fault, Step
from wasl.workspace.format import digits, isolated, language


class Said(NamedTuple):
    """What is wrong, and what helps."""

    title: str
    help: str


@dataclass(frozen=True, slots=True)
class At:
    """What a sentence about a server names."""

    host: str
    port: int
    user: str = ""
    folder: str = ""
    address: str = ""
    certificate: Certificate | None = None


def step(code: Step) -> str:
    """What was tried."""
    return {
        Step.RESOLVE: _("Find the server by its name"),
        Step.CONNECT: _("Connect to it"),
        Step.TLS: _("Encrypt the connection"),
        Step.SIGN_IN: _("Sign in"),
        Step.FOLDER: _("Open the folder"),
        Step.SENDER: _("Send from this address"),
    }[code]


def trouble(fault: str, at: At) -> Said:
    """A fault in two sentences; one that this version does not know in general words."""
    names = {
        "host": isolated(at.host),
        "port": digits(str(at.port)),
        "name": isolated(at.user),
        "folder": isolated(at.folder),
        "address": isolated(at.address),
    }
    found = _reaching(fault) or _encrypting(fault, at) or _signing_in(fault) or _using(fault)
    if found is None:
        found = Said(_("Something went wrong."), _("It is tried again by itself."))
    return Said(found.title % names, found.help % names)


def _reaching(fault: str) -> Said | None:
    said: dict[str, Said] = {
        Fault.NAME_UNKNOWN: Said(
            _("There is no server called %(host)s."), _("Check how its name is written.")
        ),
        Fault.NAME_NOT_NOW: Said(
            _("The name %(host)s cannot be looked up at the moment."),
            _("Try again in a minute. If it stays so, the name service of Wasl’s own machine is at fault."),
        ),
        Fault.NOT_ALLOWED: Said(
            _("%(host)s is a place where Wasl may not go."),
            _("Name a mail server on the internet, or ask whoever runs Wasl."),
        ),
        Fault.PORT_CLOSED: Said(
            _("%(host)s is there, but nobody answers at port %(port)s."),
            _("Check the port, and whether the mail server is running."),
        ),
        Fault.TIMED_OUT: Said(
            _("%(host)s did not answer in time."),
            _("Check the port. A firewall may stand in between."),
        ),
        Fault.UNREACHABLE: Said(
            _("%(host)s cannot be reached from here."),
            _("Check the network of Wasl’s own machine."),
        ),
        Fault.SILENT: Said(
            _("%(host)s takes the call at port %(port)s but says nothing."),
            _("Port and encryption may not belong together: try the other kind of encryption."),
        ),
        Fault.NOT_MAIL: Said(
            _("What answers at port %(port)s of %(host)s is another kind of server."),
            _("Check the port."),
        ),
        Fault.BUSY: Said(
            _("%(host)s is busy and asks to come back later."),
            _("Nothing to do: Wasl tries again by itself."),
        ),
        Fault.LOST: Said(
            _("%(host)s ended the connection."),
            _("Wasl tries again by itself. If it stays so, ask whoever runs that server."),
        ),
    }
    return said.get(fault)


def _encrypting(fault: str, at: At) -> Said | None:
    shown_names = ", ".join(at.certificate.names) if at.certificate else ""
    known: dict[str, Said] = {
        Fault.TLS_NOT_OFFERED: Said(
            _("%(host)s offers no encryption at port %(port)s."),
            _("Choose TLS from the start with its own port, or ask whoever runs that server."),
        ),
        Fault.TLS_NOT_SPOKEN: Said(
            _("Port %(port)s of %(host)s does not encrypt from the start."),
            _("Choose STARTTLS, or the port that is meant for TLS."),
        ),
        Fault.TLS_EXPIRED: Said(
            _("The certificate of %(host)s has expired."),
            _("Whoever runs that server must renew it. Until then Wasl keeps the password to itself."),
        ),
        Fault.TLS_NOT_YET: Said(
            _("The certificate of %(host)s is not valid yet."),
            _("Check the date of both machines, or ask whoever runs that server."),
        ),
        Fault.TLS_SELF_SIGNED: Said(
            _("%(host)s has signed its certificate itself."),
            _(
                "That proves nothing. Use a certificate that others vouch for, or let Wasl’s machine trust this one."
            ),
        ),
        Fault.TLS_UNKNOWN_ISSUER: Said(
            _("Nobody known vouches for the certificate of %(host)s."),
            _(
                "The server may leave out part of its chain, or its authority must be made known to Wasl’s machine."
            ),
        ),
        Fault.TLS_OTHER_NAME: Said(
            _("The certificate of %(host)s is for another name."),
            _("Use the name that stands in the certificate."),
        ),
        Fault.TLS_BROKEN: Said(
            _("Encryption with %(host)s did not come about."),
            _("The server may be too old, or port and encryption do not belong together."),
        ),
    }
    said = known.get(fault)
    if said and fault == Fault.TLS_OTHER_NAME and shown_names:
        words = _("It is for %(names)s. Use one of these names.") % {"names": isolated(shown_names)}
        return Said(said.title, words.replace("%", "%%"))
    if said and fault == Fault.TLS_EXPIRED and at.certificate:
        day = _day(at.certificate.until)
        return Said(_("The certificate of %(host)s expired on %(day)s.").replace("%(day)s", day), said.help)
    return said


def _signing_in(fault: str) -> Said | None:
    said: dict[str, Said] = {
        Fault.SIGN_IN_REFUSED: Said(
            _("%(host)s refuses the sign-in name or the password."),
            _("Was the password changed? Enter it again. Until then Wasl tries only now and then."),
        ),
        Fault.APP_PASSWORD: Said(
            _("%(host)s wants a password made for this purpose."),
            _("Make an app password in the account’s security settings, and enter it here."),
        ),
        Fault.IMAP_DISABLED: Said(
            _("IMAP is switched off for %(name)s."),
            _("Switch IMAP on in the account’s settings, or ask its administrator."),
        ),
        Fault.SIGN_IN_NEEDS_TLS: Said(
            _("%(host)s takes a password over an encrypted connection only."), _("Choose TLS or STARTTLS.")
        ),
        Fault.SIGN_IN_NOT_OFFERED: Said(
            _("%(host)s does not offer this way of signing in."),
            _(
                "Choose the other way, or another port. A server that sends without signing in needs no sign-in name."
            ),
        ),
        Fault.SIGN_IN_NEEDED: Said(
            _("%(host)s sends only for those who sign in."), _("Enter a sign-in name and a password.")
        ),
        Fault.SIGN_IN_NOT_NOW: Said(
            _("%(host)s cannot check the password at the moment."),
            _("Nothing to do: Wasl tries again by itself."),
        ),
        Fault.NO_PASSWORD: Said(_("No password is kept that Wasl can read."), _("Enter the password again.")),
        Fault.TOKEN_REFUSED: Said(
            _("The permission to read this mailbox was withdrawn or has run out."),
            _("Give the permission anew, and enter the new refresh token."),
        ),
        Fault.TOKEN_CLIENT: Said(
            _("The provider does not know this client, or refuses its secret."),
            _("Compare client ID and client secret with what the provider shows."),
        ),
        Fault.TOKEN_UNREACHABLE: Said(
            _("The provider gives no access token at the moment."),
            _("Wasl tries again by itself. If it stays so, check the address of the token service."),
        ),
    }
    return said.get(fault)


def _using(fault: str) -> Said | None:
    said: dict[str, Said] = {
        Fault.FOLDER_MISSING: Said(
            _("There is no folder %(folder)s that may be opened."),
            _("Write it as the server does, with the folders above it: Parent/Child."),
        ),
        Fault.AFTER_FOLDER_MISSING: Said(
            _("Fetched mail cannot be moved: its folder is missing."),
            _("Make the folder in the mailbox, or choose to leave mail where it is. Fetching goes on."),
        ),
        Fault.NOT_UNDERSTOOD: Said(
            _("%(host)s gave an answer that Wasl does not understand."),
            _("Wasl tries again by itself. If it stays so, ask whoever runs that server."),
        ),
        Fault.SENDER_REFUSED: Said(
            _("%(host)s does not send for %(address)s."),
            _("Sign in as the owner of that address, or have the server allow it."),
        ),
        Fault.OURS: Said(
            _("Wasl stumbled over this mailbox."),
            _("The mistake is ours. Wasl tries again by itself; the log says more."),
        ),
    }
    return said.get(fault)


def connection(reason: str) -> Said:
    """Why a channel's own connection does not stand: a `channels.base.Reason` in two sentences."""
    itself = _("Wasl tries again by itself. If it stays so, check the address and this machine’s network.")
    said: dict[str, Said] = {
        Reason.SIGN_IN: Said(
            _("The provider refuses the token or the password."),
            _("Enter it again. Until then Wasl tries only now and then."),
        ),
        Reason.ACCOUNT: Said(
            _("The provider has limited or closed the account."),
            _("See what the provider says there. Until then Wasl tries only now and then."),
        ),
        Reason.BAD_MESSAGE: Said(
            _("The provider does not take what the settings say."),
            _("Open the inbox and test the connection: the test says what to change."),
        ),
        Reason.INSECURE: Said(
            _("The connection to the provider cannot be trusted."),
            _("Check the address: it must begin with https and have a valid certificate."),
        ),
        Reason.UNREACHABLE: Said(_("The provider cannot be reached."), itself),
        Reason.NOT_NOW: Said(
            _("The provider asks to come back later."), _("Nothing to do: Wasl tries again by itself.")
        ),
    }
    return said.get(reason) or Said(_("The connection to the provider does not come about."), itself)


def _day(iso: str) -> str:
    try:
        return digits(format_date(date.fromisoformat(iso), "long", locale=language()))
    except ValueError:
        return iso
