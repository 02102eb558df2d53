"""``python -m flows.local.replica``: serve a corpus as PokeAPI."""

import sys
from argparse import ArgumentParser

from flows.local.replica import CorpusError, open_corpus, serve


def main() -> int:
    """Serve until SIGTERM or SIGINT; the exit code is 1 if the corpus or the port cannot be had."""
    parser = ArgumentParser(prog="python -m flows.local.replica", description="Serve a corpus as PokeAPI, on loopback.")
    parser.add_argument("--corpus", default="demo", help="a folder or .tar.xz of api-data, or demo (the default)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", default=0, type=int, help="port to listen on (default: a free one)")
    given = parser.parse_args()
    try:
        serve(open_corpus(given.corpus), given.host, given.port)
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{given.host}:{given.port}: cannot listen there: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
