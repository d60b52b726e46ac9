"""One connection is one open file, and the usual limit is 1,024 a process."""

import resource


def allow_files(wanted: int) -> int:
    """Raises this process's limit of open files to `wanted` where the system lets it; the limit that holds now.

    Children inherit it: so before a broker is started.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    return reachable
