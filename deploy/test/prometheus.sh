#!/bin/sh
# prometheus and promtool into FOLDER/bin: those on PATH, else out of Debian's package, which is not installed.
#
#   deploy/test/prometheus.sh FOLDER
#
# No package registry of Python has them, and apt needs no root to download. Where there is neither, the tests that
# need them are skipped and say so.
set -eu
mkdir -p "$1/bin"
bin=$(cd "$1/bin" && pwd)
if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
    ln -sf "$(command -v prometheus)" "$(command -v promtool)" "$bin"
    exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    echo "prometheus and promtool are not on PATH, and there is no apt-get: tests that need them will be skipped" >&2
    exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
# A fresh machine has no lists yet; only root may fetch them.
apt-get download -q prometheus 2>/dev/null || { apt-get update -qq && apt-get download -q prometheus; }
dpkg-deb -x prometheus_*.deb .
cp usr/bin/prometheus usr/bin/promtool "$bin"
