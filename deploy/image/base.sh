#!/bin/sh
# What every image stands on: Python, CA certificates, and a user without rights. Run as root in a Debian 12 root.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends ca-certificates python3 >/dev/null
# Bytecode of what servers import from the standard library, and of nothing else.
find /usr/lib/python3* -type d -name __pycache__ -prune -exec rm -rf {} +
for module in argparse asyncio concurrent.futures email http.client importlib.metadata logging.handlers multiprocessing \
  sqlite3 ssl subprocess tempfile uuid xml.etree.ElementTree zipfile zoneinfo; do echo "import $module"; done | python3 -
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/* /var/log/*
echo 'vidx:x:10001:10001::/tmp:/usr/sbin/nologin' >> /etc/passwd
echo 'vidx:x:10001:' >> /etc/group
# Volumes that are mounted here first take over their owner.
install -d -o 10001 -g 10001 /scratch /models
