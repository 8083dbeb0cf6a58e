#!/bin/bash
# Answers each echo after a pause that is drawn, in the background.
field() { sed -E "s/.*\"$1\":(\"[^\"]*\"|[0-9]+).*/\1/" <<<"$line"; }
while read -r line; do
  src=$(field src) id=$(field msg_id)
  case $line in
    *'"type":"init"'*)
      name=$(field node_id)
      echo "{\"src\":$name,\"dest\":$src,\"body\":{\"type\":\"init_ok\",\"in_reply_to\":$id}}" ;;
    *)
      {
        sleep 0.0$((RANDOM % 100))
        echo "{\"src\":$name,\"dest\":$src,\"body\":{\"type\":\"echo_ok\",\"echo\":$(field echo),\"in_reply_to\":$id}}"
      } & ;;
  esac
done
