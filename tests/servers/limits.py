"""What a process of ours may do to files, changed while it runs."""

import resource


def bound_files(pid: int, size: int | None) -> None:
    """No file of the process may grow beyond `size` bytes, as on a disk without room; None takes the bound away again."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))
