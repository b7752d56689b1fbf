#!/bin/sh
# Installs the servers and tools that the tests run against: Debian packages, and Apache Kafka into .cache/kafka.
# Does nothing when all is there. The daemon itself needs none of it.
set -eu
cd "$(dirname "$0")/.."

# tool:package
TOOLS='rabbitmq-server:rabbitmq-server mosquitto:mosquitto mosquitto_pub:mosquitto-clients kcat:kcat socat:socat
chromium:chromium strace:strace faketime:faketime ip:iproute2 mkfs.ext4:e2fsprogs openssl:openssl systemd-analyze:systemd
java:default-jre-headless mvn:maven'
PATH="$PATH:/usr/sbin:/sbin"
cache="$PWD/.cache/kafka"

missing_packages() {
  for pair in $TOOLS; do
    command -v "${pair%%:*}" >/dev/null || printf '%s ' "${pair#*:}"
  done
}

# The classes in the archive belong to one Java and one set of jars.
kafka_version() {
  cat scripts/kafka/pom.xml
  readlink -f "$(command -v java)"
  stat -Lc '%Y %s' "$(command -v java)"
}

is_complete() {
  [ -z "$(missing_packages)" ] && [ -s "$cache/kafka.jsa" ] && [ "$(kafka_version | cksum)" = "$(cat "$cache/version" 2>/dev/null || true)" ]
}

install_packages() {
  packages=$(missing_packages)
  [ -n "$packages" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "These packages are missing for the tests: $packages- install them, or run scripts/install-test-servers.sh as root on Debian or Ubuntu." >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $packages >/dev/null
  # The tests start their own; what a package has just started would hold the standard ports.
  for service in rabbitmq-server mosquitto; do
    case " $packages " in
      *" $service "*) service "$service" stop >/dev/null 2>&1 || echo "$service was not running." ;;
    esac
  done
}

install_kafka() {
  rm -rf "$cache"
  mkdir -p "$cache"
  mvn -q -B -Dstyle.color=never -f scripts/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory="$cache/libs"
  scripts/kafka/make-archive.sh "$cache"
  kafka_version | cksum >"$cache/version"
}

is_complete && exit 0
mkdir -p .cache
exec 9>.cache/install.lock
flock 9
is_complete && exit 0
install_packages
is_complete || install_kafka
