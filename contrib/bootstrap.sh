# Sourced by contrib/demo, contrib/check and contrib/bench: finds Python and makes .venv ready. POSIX sh.
#
# Wants $root, the top of the checkout. Everything beyond finding Python is in bootstrap.py, which any Python runs.
# shellcheck shell=sh

bootstrap() { # runtime|pictures|dev
    unset PYTHONHOME PYTHONPATH
    oldest=""
    for candidate in python3 python3.13 python3.12 python3.11; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$candidate" "${root:?}/contrib/bootstrap.py" "$1" || exit 1
            return 0
        fi
        oldest=${oldest:-$("$candidate" --version 2>/dev/null || echo "$candidate")}
    done
    if [ -n "$oldest" ]; then
        echo "onviftui needs Python 3.11 or newer, but here is only $oldest: use Debian 12, Ubuntu 24.04 or newer, or install python3.11." >&2
    else
        echo "onviftui needs Python 3.11 or newer, but there is no python3: install it with 'sudo apt install python3'." >&2
    fi
    exit 1
}
