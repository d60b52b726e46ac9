// The test server influxd, built by scripts/servers.sh; go.sum pins what goes into it.
module influxd

go 1.24

require github.com/influxdata/influxdb/v2 v2.7.12

// As in InfluxDB's own go.mod, whose replacements don't reach a module that depends on it.
replace github.com/nats-io/nats-streaming-server v0.11.2 => github.com/influxdata/nats-streaming-server v0.11.3-0.20201112040610-c277f7560803
