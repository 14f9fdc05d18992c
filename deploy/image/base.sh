#!/bin/sh
# What every image stands on: Python, CA certificates, and a user without rights. Run as root in a Debian 12 root.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends ca-certificates python3 >/dev/null
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/* /var/log/*
echo 'vidx:x:10001:10001::/tmp:/usr/sbin/nologin' >> /etc/passwd
echo 'vidx:x:10001:' >> /etc/group
# Volumes that are mounted here first take over their owner.
install -d -o 10001 -g 10001 /scratch /models
