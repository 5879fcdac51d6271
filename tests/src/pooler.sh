# The steps of watcher.sh for a PgBouncer. PGBOUNCER and CONFIGURATION are in the environment.
pid=

start() {
    printf '%s\n' "$CONFIGURATION" >"$folder/pgbouncer.ini"
    : >"$folder/log"
    "$PGBOUNCER" "$folder/pgbouncer.ini" >>"$folder/log" 2>&1 </dev/null &
    pid=$!
    until grep -q 'process up' "$folder/log"; do
        kill -0 "$pid" 2>/dev/null || fail
        sleep 0.02
    done
}

stop() {
    [ -n "$pid" ] || return 0
    kill -KILL "$pid"
    wait "$pid" || :
}

fail() {
    cat "$folder/log"
    exit 1
}
