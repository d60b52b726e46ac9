#!/bin/sh
# Prints the Python to build the virtual environment with: the first of the arguments that is 3.11 or newer and has venv.
# Exit code 1, with one sentence, when there is none.
set -u
seen=""
for python in "$@"; do
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
  if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    seen="$seen $python is $version,"
  elif ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    seen="$seen $python $version lacks venv (apt-get install python3-venv),"
  else
    echo "$python"
    exit 0
  fi
done
if [ -z "$seen" ]; then
  echo "ioc-monitor needs Python 3.11 or newer with venv, and none was found: apt-get install python3 python3-venv." >&2
else
  echo "ioc-monitor needs Python 3.11 or newer with venv:${seen%,}. Another one is named with 'make PYTHON=...'." >&2
fi
exit 1
