# Owns a temporary folder, and removes it when standard input ends. However the process at the other end of that pipe ends,
# the kernel closes the pipe. The functions `start` and `stop`, defined before this, start and stop the other resources.
set -eu
umask 077
trap '' PIPE # the reader may be gone before "ready": that must reach `finish` too

folder=$(mktemp -d "${TMPDIR:-/tmp}/clerk-auth-tests.XXXXXX" 2>/dev/null || mktemp -d /tmp/clerk-auth-tests.XXXXXX)

finish() {
    stop >/dev/null 2>&1 </dev/null || :
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

start
echo "ready $folder"
while read -r ignored; do :; done
