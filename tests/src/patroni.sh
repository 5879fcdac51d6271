# The steps of watcher.sh for a cluster of three PostgreSQL servers that Patroni manages, with etcd and HAProxy. The
# environment has BIN, the folder of PostgreSQL's programs, the ports of etcd, and the configurations NODE_0 to NODE_2 and
# HAPROXY. In the configurations, @FOLDER@ stands for the folder of the cluster.
processes=

start() {
    PATH="$PATH:/usr/sbin"
    for program in patroni etcd haproxy; do
        command -v "$program" >/dev/null || {
            echo "this test needs $program: \`apt-get install patroni etcd-server haproxy postgresql\`"
            exit 1
        }
    done
    etcd --name etcd --data-dir "$folder/etcd" --log-level error \
        --listen-client-urls "http://127.0.0.1:$ETCD_PORT" --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" \
        --listen-peer-urls "http://127.0.0.1:$ETCD_PEER_PORT" \
        --initial-advertise-peer-urls "http://127.0.0.1:$ETCD_PEER_PORT" \
        --initial-cluster "etcd=http://127.0.0.1:$ETCD_PEER_PORT" >"$folder/etcd.log" 2>&1 </dev/null &
    processes=$!
    for node in 0 1 2; do
        eval "content=\$NODE_$node"
        printf '%s\n' "$content" | sed "s|@FOLDER@|$folder|g" >"$folder/$node.yml"
        run "$node" &
        processes="$processes $!"
    done
    printf '%s\n' "$HAPROXY" >"$folder/haproxy.cfg"
    haproxy -db -f "$folder/haproxy.cfg" >"$folder/haproxy.log" 2>&1 </dev/null &
    processes="$processes $!"
}

# Runs a node until its file `down` is there, and again when the file is gone.
run() {
    trap - EXIT
    while :; do
        if [ ! -e "$folder/$1.down" ]; then
            patroni "$folder/$1.yml" >>"$folder/$1.log" 2>&1 </dev/null &
            echo $! >"$folder/$1.pid"
            wait $! || :
        fi
        sleep 0.2
    done
}

stop() {
    kill -KILL $processes
    for node in 0 1 2; do
        kill -KILL "$(cat "$folder/$node.pid")"
        "$BIN/pg_ctl" stop -w -m immediate -D "$folder/$node"
    done
}
