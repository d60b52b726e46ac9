"""The command `ioc`: one boundary where every failure becomes a sentence and an exit code."""

import os
import sys


def main() -> int:
    """Runs the command of the command line; what scripts see: 0 fine, 1 wrong, 2 usage, 3 a server can't be reached."""
    from ioc.cli.app import app  # noqa: PLC0415  inside the boundary: a broken installation is reported like the rest
    from ioc.cli.ending import ending_of  # noqa: PLC0415

    try:
        app()
    except SystemExit as end:
        return _flushed(end.code if isinstance(end.code, int) else int(end.code is not None))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _silent()
    except Exception as error:
        ending = ending_of(error)
        if ending is None:
            raise
        sys.stderr.write(ending.text + "\n")
        return _flushed(int(ending.code))
    return 0


def _flushed(code: int) -> int:
    """The code, once everything is printed; whoever reads us may have gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _silent()
    return code


def _silent() -> int:
    """Nobody reads us any more: Python must not complain about that at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


if __name__ == "__main__":
    sys.exit(main())
