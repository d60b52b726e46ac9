#!/usr/bin/env bash
# Puts the real servers of the test suite on this machine: Mosquitto, Chromium and promtool from Debian,
# influxd 2.7.12 built once from its Go modules (about 7 minutes on two cores) into IOC_SERVERS or ~/.cache/ioc-servers,
# and a small Telegraf 1.37.2 (1 minute) that only `make bench` compares with: no test needs it, so its absence fails nothing.
# What is there already is left alone. Exit code 1, with a sentence, when something could not be had.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${IOC_SERVERS:-$HOME/.cache/ioc-servers}
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin   # Debian keeps daemons there
failed=0

say() { printf 'servers: %s\n' "$*"; }
lacks() { ! command -v "$1" >/dev/null 2>&1; }
give_up() { say "$*" >&2; failed=1; }

install_from_debian() {
  local as_root=()
  if lacks apt-get; then
    give_up "this is no Debian: install $* with the system's own package manager."; return
  fi
  if [ "$(id -u)" != 0 ]; then
    if lacks sudo; then give_up "needs root: run 'apt-get install $*' as root, then 'make servers' again."; return; fi
    if [ -t 0 ]; then as_root=(sudo); else as_root=(sudo -n); fi
  fi
  say "installing $* from Debian"
  if ! { "${as_root[@]}" apt-get -qq update \
      && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" </dev/null >/dev/null; }; then
    give_up "apt-get could not install $*: see its message above."
  fi
}

debian_servers() {
  local packages=()
  lacks mosquitto && packages+=(mosquitto)
  lacks mosquitto_pub && packages+=(mosquitto-clients)
  lacks chromium && packages+=(chromium)
  lacks promtool && packages+=(prometheus)
  lacks openssl && packages+=(openssl)
  if [ ${#packages[@]} -gt 0 ]; then install_from_debian "${packages[@]}"; fi
}

influxd() {
  local missing=() work
  if [ -x "$bin/influxd" ]; then return; fi
  if lacks pkg-config && { [ "$(id -u)" = 0 ] || ! lacks sudo; }; then install_from_debian pkg-config; fi
  lacks go && missing+=("go (1.24 or newer)")
  lacks cargo && missing+=(cargo)
  lacks cc && missing+=("a C compiler")
  lacks pkg-config && missing+=(pkg-config)
  if [ ${#missing[@]} -gt 0 ]; then
    local list; list=$(printf ', %s' "${missing[@]}")
    give_up "influxd 2.7.12 is built from source, which needs ${list:2}: install that, then 'make servers' again."; return
  fi
  say "building influxd 2.7.12, about 7 minutes, once"
  mkdir -p "$bin"
  work=$(mktemp -d); trap 'rm -rf "$work"' RETURN
  build_influxd "$work" || { give_up "influxd could not be built: see the message above."; return; }
  mv "$work/influxd" "$bin/influxd"
}

build_influxd() (
  set -e
  work=$1
  # The checksum database does not answer for these older versions everywhere; scripts/influxd/go.sum pins them instead.
  export GOTOOLCHAIN=local GOSUMDB=off
  GOBIN=$work go install github.com/influxdata/pkg-config@v0.2.7
  # libflux denies warnings that newer rustc versions added: cap them.
  printf '#!/bin/sh\ncase "$*" in *--cap-lints*) exec "$@";; *) exec "$@" --cap-lints warn;; esac\n' >"$work/rustc-wrap"
  chmod +x "$work/rustc-wrap"
  mkdir "$work/module"
  cp "$here/influxd/go.mod" "$here/influxd/go.sum" "$work/module/"
  cd "$work/module"
  export PATH=$work:$PATH PKG_CONFIG=$work/pkg-config GOFLAGS=-mod=mod RUSTC_WRAPPER=$work/rustc-wrap
  if command -v rustup >/dev/null; then   # libflux asks for an old toolchain; the installed one builds it too
    RUSTUP_TOOLCHAIN=$(rustup toolchain list | head -1 | cut -d' ' -f1); export RUSTUP_TOOLCHAIN
  fi
  go build -tags sqlite_foreign_keys,sqlite_json -ldflags '-X main.version=v2.7.12' -o "$work/influxd" github.com/influxdata/influxdb/v2/cmd/influxd
)

telegraf() {
  if [ -x "$bin/telegraf" ]; then return; fi
  if lacks go; then say "Telegraf, which 'make bench' compares with, needs go (1.24 or newer): left out."; return; fi
  say "building Telegraf 1.37.2, about 1 minute, once"
  mkdir -p "$bin"
  GOTOOLCHAIN=local GOSUMDB=off GOBIN=$bin go install \
      -tags custom,inputs.mqtt_consumer,outputs.influxdb_v2,parsers.json_v2,parsers.influx,serializers.influx \
      github.com/influxdata/telegraf/cmd/telegraf@v1.37.2 \
    || say "Telegraf could not be built (see the message above): 'make bench' leaves it out."
}

debian_servers
influxd
telegraf
if [ "$failed" = 0 ]; then say "all there: mosquitto, chromium, promtool, $bin/influxd"; fi
exit "$failed"
