"""The throw-away server of a command that knows no address of Prefect's API: it starts while the command loads Prefect.

Prefect's own is started by the first request, and that loads a whole server into the command beforehand. Both keep what
they are told in the same database. Run as a script, this is the server.
"""

import atexit
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

# A server that was told to end has this long to write what it was told.
STOP_SECONDS = 5

# Nobody sees its UI; who saves a block saves its type.
_NEEDLESS = {
    "PREFECT_UI_ENABLED": "false",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    # Else it would note for other servers that they are all registered.
    "PREFECT_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
    # What it could not write as it ended is nothing that a person can mend.
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}

# The database has to be made first.
NEW = "new"


def start_own(database: str) -> str:
    """Start a server on a database, which ends with this process, and return the address of its API at once.

    Who asks it before it is up waits for the answer, because it has its port from the beginning.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port, number = listener.getsockname()[1], listener.fileno()
        path = database.partition(":///")[2]
        is_new = bool(path) and ":memory:" not in path and not Path(path).exists()
        process = subprocess.Popen(
            # Nothing beside this file is imported by it.
            [sys.executable, "-P", __file__, str(number), *([NEW] if is_new else [])],
            env={**os.environ, **_NEEDLESS},
            stdin=subprocess.PIPE,
            pass_fds=[number],
            # Ctrl-C is for the command, which then tells the server what became of its run.
            start_new_session=True,
        )
    atexit.register(_end, process)
    return f"http://127.0.0.1:{port}/api"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server: it hears that nobody has its input open."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _serve(listener: socket.socket, is_new: bool) -> None:
    """Serve Prefect's API; a new database is made by another process, while this one loads the rest."""
    gc.set_threshold(50_000, 20, 50)
    migrating = _migrate() if is_new else None
    atexit.register(gc.freeze)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app()
    if migrating is not None:
        # If it failed, the server makes the database itself, or says why it cannot.
        os.waitpid(migrating, 0)
    uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on")).run(sockets=[listener])


def _migrate() -> int:
    """Make the database in a process of its own, which needs not load Prefect once more, and return its id."""
    import uvloop
    from prefect.server.database import provide_database_interface

    if (process := os.fork()) != 0:
        return process
    # Some hundred migrations ask many small questions over an event loop, and leave much behind.
    gc.disable()
    try:
        uvloop.run(provide_database_interface().create_db())
    finally:
        os._exit(0)


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, in whatever way."""
    with suppress(OSError):
        sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), NEW in sys.argv[2:])
