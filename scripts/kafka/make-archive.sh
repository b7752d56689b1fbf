#!/bin/sh
# make-archive.sh <folder with libs/>: starts a broker once so that Java writes its loaded classes into kafka.jsa.
# With that archive a broker answers in 2 s instead of 5.
set -eu
folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Any free ports do; nobody else connects.
port=$((20000 + $$ % 10000))
cat >"$work/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
log.dirs=$work/data
offsets.topic.replication.factor=1
END
set -- java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "-Dlog4j2.configurationFile=$PWD/scripts/kafka/log4j2.properties" -cp "$folder/libs/*"
"$@" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c "$work/server.properties" >"$work/log" 2>&1
"$@" -XX:ArchiveClassesAtExit="$work/kafka.jsa" kafka.Kafka "$work/server.properties" >>"$work/log" 2>&1 9>&- &
pid=$!
sleep 6
kill -TERM "$pid"
wait "$pid" || true
[ -s "$work/kafka.jsa" ] || { cat "$work/log" >&2; echo 'Kafka did not start.' >&2; exit 1; }
mv "$work/kafka.jsa" "$folder/kafka.jsa"
