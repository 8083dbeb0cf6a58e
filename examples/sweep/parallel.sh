#!/bin/sh
# Four processes side by side. Run again, it goes on where it was. With `--sshlogin` and
# `--return sweep-{}-of-4.jsonl` the processes are on other machines.
parallel kolk explore -w broadcast --node broadcast --seeds 0..10000 --shard {}/4 ::: 1 2 3 4
kolk merge sweep-*-of-4.jsonl
