#!/bin/bash
# Background jobs, children that sleep, time and random numbers.
(while sleep 1; do echo "tick $EPOCHREALTIME"; done) &
while read -r line; do
  echo "echo $line $EPOCHREALTIME $RANDOM $$"
  sleep 0.25
  echo "later $line $(date +%s.%N)"
done
