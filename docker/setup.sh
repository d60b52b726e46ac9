#!/bin/sh
# Makes docker/secrets once: random passwords and tokens, and a certificate authority with the broker's certificate.
# Names under which devices reach the broker are arguments:  docker/setup.sh mqtt.example.gov.vn
# What is there already is kept. Needs openssl.
set -eu
cd "$(dirname "$0")"
command -v openssl >/dev/null || { echo "setup.sh needs openssl: apt-get install openssl" >&2; exit 1; }
umask 077
mkdir -p secrets   # 0700: only its owner gets in on the host; the files are readable since each container has a user of its own
cd secrets

for name in mqtt_password influxdb_password influxdb_token grafana_password; do
  if [ ! -s "$name" ]; then openssl rand -hex 24 | tr -d '\n' >"$name"; fi
done

if [ ! -s mqtt_ca.crt ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=ioc broker authority" \
    -keyout mqtt_ca.key -out mqtt_ca.crt 2>/dev/null
fi
if [ ! -s mqtt_server.crt ] || [ $# -gt 0 ]; then
  names="DNS:mosquitto,DNS:localhost,IP:127.0.0.1"
  for name in "$@"; do names="$names,DNS:$name"; done
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=mosquitto" \
    -keyout mqtt_server.key -out mqtt_server.csr 2>/dev/null
  printf 'subjectAltName=%s\n' "$names" >mqtt_server.ext
  openssl x509 -req -in mqtt_server.csr -CA mqtt_ca.crt -CAkey mqtt_ca.key -CAcreateserial -days 825 \
    -extfile mqtt_server.ext -out mqtt_server.crt 2>/dev/null
  rm mqtt_server.csr mqtt_server.ext
fi
chmod 0444 mqtt_password influxdb_password influxdb_token grafana_password mqtt_ca.crt mqtt_server.crt mqtt_server.key
echo "docker/secrets is complete; keep mqtt_ca.key away from this machine once the certificates are made."
