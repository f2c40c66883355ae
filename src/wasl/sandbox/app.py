"""What stands on the sandbox's HTTP port: every stand-in below its channel's name, and what the pages ask for.

GET  /taken?message_id=…   whether the mail provider took a mail
POST /play                 a customer does something: {channel, end, who: {address, name}, act: {do, …}}
"""

import json
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from wasl.sandbox.chats import Who
from wasl.sandbox.standins import standins
from wasl.sandbox.world import Act, World


def app(world: World, was_taken: Callable[[str], bool]) -> Starlette:
    """The application."""

    async def taken(request: Request) -> Response:
        asked = request.query_params.get("message_id")
        if not asked:
            raise HTTPException(404, "GET /taken?message_id=…")
        return JSONResponse({"taken": was_taken(asked)})

    async def play(request: Request) -> Response:
        try:
            told = json.loads(await request.body())
            standin = standins()[told["channel"]]
            who, act = Who(**told["who"]), Act(**told["act"] | {"files": tuple(told["act"].get("files", ()))})
        except (ValueError, TypeError, KeyError) as error:
            raise HTTPException(400, "that is not something a customer can do") from error
        end = world.ends.get(standin.channel, str(told.get("end")))
        if end is None or act.do not in standin.acts:
            raise HTTPException(404, "nobody answers there")
        standin.acts[act.do](world, end, who, act)
        return Response(status_code=204)

    mounted = [Mount(f"/{name}", routes=list(each.routes(world))) for name, each in standins().items()]
    return Starlette(
        routes=[Route("/taken", taken), Route("/play", play, methods=["POST"]), *mounted],
        exception_handlers={HTTPException: _say},
    )


def _say(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
