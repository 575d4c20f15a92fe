#!/usr/bin/env bash
# Sees to it that the system has the programs of PostgreSQL and Redis, of which the tests start servers of their own:
# installs Debian's packages when it may.
set -u
has_servers() {
  { command -v postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres'; } >/dev/null && command -v redis-server >/dev/null
}
has_servers && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing PostgreSQL and Redis for the tests ..."
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql redis-server >/dev/null && has_servers && exit 0
fi
echo "The tests start a PostgreSQL and a Redis of their own. Install both (Debian: sudo apt-get install postgresql redis-server), then run it again." >&2
exit 1
