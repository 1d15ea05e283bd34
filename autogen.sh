#!/bin/sh
# Make configure and the Makefile templates from a checkout.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --force
