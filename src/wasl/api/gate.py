"""What every operation of the Django part goes through: token, pace, body, workspace, idempotency."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from ninja.operation import Operation
from ninja.parser import Parser

from wasl.accounts import access_log
from wasl.accounts.actor import Actor, Forbidden
from wasl.api import errors, idempotency
from wasl.channels import access
from wasl.kit import db
from wasl.kit.jsonbody import ANY, check_key, check_type, decode, refuse_nul
from wasl.kit.problem import Fault, Problem

READING = frozenset({"GET", "HEAD"})


class Request(HttpRequest):
    """A request that has come through the gate."""

    actor: Actor
    json: Any


Run = Callable[..., HttpResponse]


class _Noted(NamedTuple):
    """What the access log says of an operation."""

    name: str
    path: dict[str, Any]


def gate(run: Run) -> Run:
    """Wrap an operation, before anything of the request is looked at."""
    parameters = _parameters(run)
    operation = getattr(run, "__self__", None)
    name = operation.view_func.__name__ if isinstance(operation, Operation) else ""

    @wraps(run)
    def enter(request: Request, **path: Any) -> HttpResponse:
        try:
            response = _enter(request, lambda: run(request, **path), parameters, _Noted(name, path))
            if request.method in READING:
                _looked(request, _Noted(name, path), response)
            return response
        except Exception as error:
            return errors.respond(errors.of(error))

    return enter


def _parameters(run: Run) -> frozenset[str]:
    """The names an operation knows in the query."""
    operation = getattr(run, "__self__", None)
    models = operation.models if isinstance(operation, Operation) else []
    return frozenset(
        name
        for model in models
        if model.__ninja_param_source__ == "query"
        for name in getattr(model, "__ninja_flatten_map__", {})
    )


def _looked(request: Request, noted: _Noted, response: HttpResponse) -> None:
    """A look at what is a customer's goes into the access log, in a transaction of its own."""
    thing, thing_id = access_log.thing_in(noted.path)
    if response.status_code >= 400 or thing_id is None or not access_log.is_new_look(request.actor, thing_id):
        return
    with db.tenant(request.actor.workspace_id):
        access_log.record(request.actor, f"api.{noted.name}", thing, thing_id, changed=False)


def _enter(
    request: Request, work: Callable[[], HttpResponse], parameters: frozenset[str], noted: _Noted
) -> HttpResponse:
    request.actor = actor = _authenticate(request)
    _check_query(request, parameters)
    if request.method in READING:
        with db.tenant(actor.workspace_id):
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('transaction_read_only', 'on', true)")
            return work()
    if not actor.writes:
        raise Forbidden("read_only")
    key = check_key(request.headers.get("Idempotency-Key", ""))
    body = _body(request)
    with db.tenant(actor.workspace_id):
        response = idempotency.once(actor, key, request, body, work) if key else work()
        if response.status_code >= 400:
            transaction.set_rollback(True)
        else:
            access_log.record(actor, f"api.{noted.name}", *access_log.thing_in(noted.path))
        return response


def _authenticate(request: HttpRequest) -> Actor:
    token = access.token_in(request.headers.get("Authorization", ""))
    found = access.remembered(token)
    if found is None:
        found = access.look_up(db.raw(), token)
    return access.admit(found).actor


def _check_query(request: HttpRequest, known: frozenset[str]) -> None:
    for name, values in request.GET.lists():
        wrong = (
            f"There is no parameter '{name[:60]}' here."
            if name not in known
            else f"The parameter '{name}' is given more than once."
            if len(values) > 1
            else "A parameter must not hold a NUL character."
            if "\0" in values[0]
            else ""
        )
        if wrong:
            raise Problem("invalid", wrong, [Fault(wrong, parameter=name[:60])])


def _body(request: Request) -> bytes:
    """The body, read and decoded once; the front has already kept it within its limits."""
    try:
        body = request.read()
    except UnreadablePostError as error:
        raise Problem("bad-request", "The body could not be read to its end.") from error
    request.json = None
    if body:
        check_type(request.headers.get("Content-Type", ""), request.headers.get("Content-Encoding", ""))
        request.json = decode(ANY, body)
        if b"\\u0000" in body:
            refuse_nul(body)
    # Django keeps bodies over DATA_UPLOAD_MAX_MEMORY_SIZE from being read whole; an answer with files may be larger.
    request._body = body
    return body


class Decoded(Parser):
    """Hands on what the gate has decoded."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The JSON of the body."""
        return request.json  # type: ignore[attr-defined]
