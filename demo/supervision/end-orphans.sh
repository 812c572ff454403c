#!/bin/sh
# The supervisor's last will. Its standard input is a pipe whose other end only the supervisor holds; every line names the
# processes that are its children now. When the pipe closes the supervisor is gone, however it died, and what the last line
# names is ended: SIGTERM, and SIGKILL for it and its process group after GRACE seconds (first argument).
trap '' INT HUP TERM
pids=
while read -r line; do pids=$line; done
for pid in $pids; do kill -TERM "$pid" 2>/dev/null; done
seconds=0
while [ "$seconds" -lt "${1:-15}" ]; do
  left=
  for pid in $pids; do if kill -0 "$pid" 2>/dev/null; then left="$left $pid"; fi; done
  pids=$left
  [ -n "$pids" ] || exit 0
  sleep 1
  seconds=$((seconds + 1))
done
for pid in $pids; do
  kill -KILL "$pid" 2>/dev/null
  kill -KILL "-$pid" 2>/dev/null
done
exit 0
