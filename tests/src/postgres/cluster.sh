# The steps of watcher.sh for a PostgreSQL cluster. BIN, PORT and PASSWORD are in the environment, and SETTINGS, which come
# last and so win.
start() {
    printf '%s' "$PASSWORD" >"$folder/password"
    "$BIN/initdb" -D "$folder/data" --username=postgres --pwfile="$folder/password" --auth=password \
        --encoding=UTF8 --locale=C --no-sync >"$folder/log" 2>&1 </dev/null || fail
    # Nothing has to survive a crash. Without autovacuum, what a test counts is what the test wrote.
    cat >>"$folder/data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $PORT
unix_socket_directories = ''
max_connections = 400
shared_buffers = 32MB
fsync = off
full_page_writes = off
synchronous_commit = off
autovacuum = off
$SETTINGS
END
    "$BIN/pg_ctl" start -w -D "$folder/data" -l "$folder/log" >>"$folder/log" 2>&1 </dev/null || fail
}

stop() {
    "$BIN/pg_ctl" stop -w -m immediate -D "$folder/data"
}

fail() {
    cat "$folder/log"
    exit 1
}
