#!/bin/sh
# Begin a service's next migration, with its number and what to mind.
set -eu
cd "$(dirname "$0")/.."

folder="services/$1/migrations"
if [ -z "$1" ] || [ ! -d "$folder" ] || [ -z "$2" ]; then
    echo "make migration service=billing name=what_it_does" >&2
    exit 1
fi
last=$(find "$folder" -name '[0-9]*.sql' | sort | tail -n 1 | sed 's|.*/0*||; s|_.*||')
file="$folder/$(printf '%04d' "$((last + 1))")_$2.sql"
printf -- '-- The release that is running must be able to live with this: add, never change.\n' \
    >"$file"
echo "$file"
