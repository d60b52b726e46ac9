#!/bin/sh
# Gives the collector its password from the secret, then runs the broker. Devices get theirs with
#   docker compose exec mosquitto mosquitto_passwd /mosquitto/data/passwords SPK-0001   and then a SIGHUP to the broker.
set -eu
passwords=${PASSWORDS:-/mosquitto/data/passwords}
secret=${SECRET:-/run/secrets/mqtt_password}
umask 077
touch "$passwords"
mosquitto_passwd -b "$passwords" ioc "$(cat "$secret")"
exec mosquitto -c "${CONFIGURATION:-/mosquitto/config/mosquitto.conf}"
