#!/bin/sh
# Make configure from a checkout.
set -eu
cd "$(dirname "$0")"
mkdir -p build-aux
autoreconf --install --force --warnings=all
