#!/bin/sh
# A TaskForge worker in plain POSIX shell and curl.
#
#   TASKFORGE_SERVER=http://127.0.0.1:8000 TASKFORGE_KEY=tfk_... ./worker.sh JOB_TYPE COMMAND [ARGUMENT...]
#
# It claims jobs of JOB_TYPE from TASKFORGE_QUEUE ("default") one at a time, and runs COMMAND for each: the payload is
# its standard input, its standard output has to be JSON (or empty) and is the result, what it writes to standard
# error goes to the job's log. Another exit code than 0 is a failed attempt; 75 asks for another try in a minute that
# spends no attempt. A cancel kills the command. SIGTERM lets the command end, reports it, and leaves.
set -u

server=${TASKFORGE_SERVER:?is the address of the server}
: "${TASKFORGE_KEY:?is the key to register with}"
queue=${TASKFORGE_QUEUE:-default}
name=${TASKFORGE_WORKER_NAME:-shell-$(uname -n)-$$}
[ $# -ge 2 ] || { echo "usage: $0 JOB_TYPE COMMAND [ARGUMENT...]" >&2; exit 2; }
job_type=$1
shift

folder=$(mktemp -d)
waiting='' command='' beating='' stopping=''
trap 'rm -rf "$folder"' EXIT
trap 'stopping=yes; [ -z "$waiting" ] || kill "$waiting" 2>/dev/null' TERM INT

say() { echo "$name: $*" >&2; }

# Headers go through a file: arguments can be read by everybody on the machine.
credential() { printf 'Authorization: Bearer %s\n' "$1" >"$folder/headers"; }

# post PATH BODY: the answer on standard output; fails unless the server says 2xx.
post() {
  curl --silent --show-error --fail --max-time 60 --request POST --header "@$folder/headers" \
    --header 'Content-Type: application/json' --header 'Prefer: return=representation' \
    --data-binary "$2" "$server/api/v1$1"
}

# field NAME: the value of the last member of that name on standard input that is a number or a plain text.
field() { sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p'; }

# quoted: standard input as a JSON text.
quoted() {
  printf '"'
  tr '\t\r' '  ' | tr -d '\000-\010\013\014\016-\037' | sed 's/\\/\\\\/g; s/"/\\"/g' | awk '{printf "%s%s", sep, $0; sep="\\n"}'
  printf '"'
}

register() {
  credential "$TASKFORGE_KEY"
  answer=$(post /workers "{\"name\":\"$name\",\"queues\":[\"$queue\"],\"max_concurrent_jobs\":1,\
\"tasks\":[{\"name\":\"$job_type\",\"queue\":\"$queue\"}]}") || return 1
  worker=/workers/$(printf %s "$answer" | field worker_id)
  beat_seconds=$(printf %s "$answer" | field heartbeat_interval_ms | awk '{s = int($1 / 1000); print s < 1 ? 1 : s}')
  credential "$(printf %s "$answer" | field token)"
  say "registered as ${worker#/workers/}"
}

# keep COMMAND_PID: beats while the command runs; kills it when somebody cancels the job, or has taken it away.
keep() {
  while sleep "$beat_seconds"; do
    reply=$(post "$worker/heartbeat" "{\"executions\":[{$fence,\"execution_id\":\"$execution\"}]}") || continue
    case $reply in
      *'"cancel":["'*) : >"$folder/cancelled"; kill "$1" 2>/dev/null ;;
      *'"lost":["'*) : >"$folder/lost"; kill "$1" 2>/dev/null ;;
    esac
  done
}

# settle VERB BODY: tells how the execution ended, again and again until the server has heard it or refuses it.
settle() {
  pause=1
  while :; do
    curl --silent --max-time 60 --output /dev/null --write-out '%{http_code}' --request POST \
      --header "@$folder/headers" --header 'Content-Type: application/json' --data-binary "$2" \
      "$server/api/v1$worker/executions/$execution/$1" >"$folder/status"
    case $(cat "$folder/status") in
      2??) return 0 ;;
      000 | 429 | 5??) say "the server is away, trying again in $pause s"; sleep "$pause"; [ "$pause" -ge 8 ] || pause=$((pause * 2)) ;;
      *) say "the end of $execution was refused: $(cat "$folder/status")"; return 1 ;;
    esac
  done
}

log() {
  seq=0
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    seq=$((seq + 1))
    post "$worker/executions/$execution/log" \
      "{$fence,\"seq\":$seq,\"message\":$(printf %s "$line" | cut -c 1-2000 | quoted)}" >/dev/null || :
  done <"$folder/err"
}

run() {
  head=${answer%%\"payload\":*} # what somebody else wrote stands behind it
  payload=${answer#*\"payload\":}
  payload=${payload%\}\]\},\"meta\":\{\}\}}
  execution=$(printf %s "$head" | field execution_id)
  fence="\"job_id\":\"$(printf %s "$head" | field job_id)\",\"claim_seq\":$(printf %s "$head" | field claim_seq)"
  rm -f "$folder/cancelled" "$folder/lost"
  printf %s "$payload" >"$folder/in"
  "$@" <"$folder/in" >"$folder/out" 2>"$folder/err" &
  command=$!
  keep "$command" &
  beating=$!
  wait "$command"
  code=$?
  while kill -0 "$command" 2>/dev/null; do # a signal to us has ended the wait, not the command
    wait "$command"
    code=$?
  done
  kill "$beating" 2>/dev/null
  [ -e "$folder/lost" ] && { say "execution $execution was given to another worker"; return; }
  log
  if [ -e "$folder/cancelled" ]; then
    settle cancel "{$fence,\"reason\":\"killed on request\"}"
  elif [ "$code" = 0 ]; then
    output=$(cat "$folder/out")
    settle complete "{$fence,\"output\":${output:-null}}" ||
      settle fail "{$fence,\"error\":{\"type\":\"OutputRefused\",\"message\":\"the command wrote no JSON\"}}"
  elif [ "$code" = 75 ]; then
    settle snooze "{$fence,\"delay_ms\":60000}"
  else
    settle fail "{$fence,\"error\":{\"type\":\"ExitCode$code\",\"message\":$(tail -n 5 "$folder/err" | quoted)}}"
  fi
}

until register; do
  [ -z "$stopping" ] || exit 0
  sleep 1
done

in_hand='' # after an answer that did not come: what it may have given us goes back
while [ -z "$stopping" ]; do
  post "$worker/claim" "{\"wait_ms\":20000$in_hand}" >"$folder/claim" 2>"$folder/why" &
  waiting=$!
  if wait "$waiting"; then
    waiting='' in_hand=''
    answer=$(cat "$folder/claim")
    case $answer in *'"attempts":[{'*) run "$@" ;; esac
  else
    waiting='' in_hand=',"in_hand":[]'
    [ -n "$stopping" ] || { say "cannot claim: $(cat "$folder/why")"; sleep 1; }
  fi
done
post "$worker/leave" '{"in_hand":[]}' >/dev/null
say 'has left'
