#!/bin/sh
#SBATCH --array=1-4
#SBATCH --cpus-per-task=8
#SBATCH --time=01:00:00
#SBATCH --requeue
# `auto` takes the share from the array. A task that is requeued goes on where it was. When all have
# ended: kolk merge sweep-*-of-4.jsonl
kolk explore -w broadcast --node broadcast --seeds 0..10000 --shard auto
