"""The preloaded parent: imports everything once, and forks each role from what it has in memory.

Measured on the idle product (see docs/operating.md), the roles share most of their memory this way, and one that
was killed is back without importing anything. The forked role is handed over to the supervisor, which becomes
its parent: this process only copies itself and keeps no record, so losing it costs nothing but its next start.

Protocol, over one sequenced-packet socket: `{"ready": true}` once; then for each request
`{"name": …, "target": "module:function"}`, with a descriptor for the role's output, the new role itself answers
`{"pid": …}`.
"""

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import time
import traceback
from importlib import import_module

from wasl.cli.plan import resolve
from wasl.kit import prctl

REQUEST_LIMIT = 4096
HAND_OVER_PATIENCE = 5.0


def main(arguments: list[str]) -> None:
    """Run until the supervisor ends. Arguments: the socket's descriptor, the supervisor's pid, module names."""
    link = socket.socket(fileno=int(arguments[0]))
    supervisor = int(arguments[1])
    prctl.die_with_parent(supervisor)
    # A Ctrl-C in the terminal reaches every process of its group; when to stop is the supervisor's to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _import_all(arguments[2:])
    # What is in memory now stays: keep the collector from touching, and so from copying, shared pages.
    gc.collect()
    gc.freeze()
    link.send(json.dumps({"ready": True}).encode())
    while True:
        request, descriptors, _flags, _address = socket.recv_fds(link, REQUEST_LIMIT, 1)
        if not request:
            return
        _hand_over(link, supervisor, json.loads(request), descriptors[0])
        os.close(descriptors[0])


def _import_all(modules: list[str]) -> None:
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        import django

        django.setup()
    for module in modules:
        import_module(module)


def _hand_over(link: socket.socket, supervisor: int, request: dict[str, str], output: int) -> None:
    """Fork twice: the process in between ends at once, and the role becomes the supervisor's child."""
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return
    if os.fork():
        os._exit(0)
    code = 1
    try:
        _become_role(link, supervisor, request["name"], output)
        code = _run(request["target"])
    finally:
        os._exit(code)


def _become_role(link: socket.socket, supervisor: int, name: str, output: int) -> None:
    patience = time.monotonic() + HAND_OVER_PATIENCE
    while os.getppid() != supervisor and time.monotonic() < patience:
        time.sleep(0.0005)
    prctl.die_with_parent(supervisor)
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["PGAPPNAME"] = f"wasl {name}"
    prctl.rename(f"wasl {name}")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)
    link.send(json.dumps({"pid": os.getpid()}).encode())
    link.close()


def _run(target: str) -> int:
    """Call the role's function; returns its exit code."""
    try:
        resolve(target)()
    except SystemExit as end:
        return _exit_code(end.code)
    except KeyboardInterrupt:
        return 0
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
    return 0


def _exit_code(code: object) -> int:
    if isinstance(code, int) or code is None:
        return code or 0
    print(code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    main(sys.argv[1:])
