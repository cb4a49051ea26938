#!/bin/sh
# Prints the first Python that is 3.11 or later and can make a virtual environment with pip in it.
for candidate in python3 python3.13 python3.12 python3.11 python3.14 /usr/bin/python3 python; do
    path=$(command -v "$candidate" 2>/dev/null) || continue
    if "$path" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        echo "$path"
        exit 0
    fi
done
