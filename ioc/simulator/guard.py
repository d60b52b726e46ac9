"""Runs a program until standard input closes: so a server ends with the process that wanted it, even when that one is killed."""

import subprocess
import sys


def main() -> int:
    """Starts the program named by the arguments; its exit code."""
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603 - the caller's own argv
    sys.stdin.buffer.read()
    child.terminate()
    try:
        return child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


if __name__ == "__main__":
    sys.exit(main())
