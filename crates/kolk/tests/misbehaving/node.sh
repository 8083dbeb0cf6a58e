#!/bin/sh
# What all nodes of these tests know: a node in shell, of built-in commands alone. What a kind of
# node does with it follows below.
#
# Each process notes its number, so that the test can see that none is left.
note_pid() { printf '%s\n' "$1" >>"$0.pids"; }
note_pid $$
me=n0

# Reads a line: who sent it, its number, its type and what is to be echoed.
hear() {
    IFS= read -r line || exit 0
    from=${line#*'"src":"'} from=${from%%'"'*}
    id=${line#*'"msg_id":'} id=${id%%[!0-9]*}
    kind=${line#*'"type":"'} kind=${kind%%'"'*}
    echo=${line#*'"echo":'} echo=${echo%'}}'}
}
say() { printf '%s\n' "$1"; }
send() { say '{"src":"'$me'","dest":"'$1'","body":{'"$2"'}}'; }
answer() { send $from '"in_reply_to":'$id','"$1"; }
echo_back() { answer '"type":"echo_ok","echo":'"$echo"; }
serve() { while hear; do case $kind in echo) echo_back ;; esac; done; }

# The first line is `init`, which tells the node its name.
init() {
    hear
    me=${line#*'"node_id":"'} me=${me%%'"'*}
    answer '"type":"init_ok"'
}

# The same on virtual time.
idle() { send clock '"type":"idle","wake_at":null'; }
init_lockstep() {
    hear
    me=${line#*'"node_id":"'} me=${me%%'"'*}
    answer '"type":"init_ok","lockstep":{"version":1}'
    idle
}
serve_lockstep() { while hear; do
    case $kind in echo) echo_back ;; esac
    idle
done; }
