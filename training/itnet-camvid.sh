#!/bin/sh
# The recipe of the packaged model, as one command that may be interrupted, continued and extended:
#
#     training/itnet-camvid.sh CAMVID DIRECTORY [more options of itrt train, for the last part]
#
# First DIRECTORY/context, 400 epochs of a context network from random weights; then DIRECTORY/detail, the same network with a
# residual unit at 1/4 more, 120 epochs of a stronger loss and weaker augmentation; then DIRECTORY/restart, 118 epochs from its
# weights on, the learning rate up once more and falling nearly all of the time; then DIRECTORY/rare, the same again with more of the
# rare classes and less change of colour. Last, DIRECTORY/network.pt: an average of both. Each part goes on from its checkpoint; the
# last from the one beside this file, if DIRECTORY has none: then the others are not repeated, and there is no average.
set -eu
here=$(dirname "$0")
data=$1
context=$2/context
detail=$2/detail
restart=$2/restart
rare=$2/rare
average=$2/network.pt
shift 2

. "$here/common.sh"

if [ ! -f "$rare/checkpoint.pt" ] && [ ! -d "$context" ] && [ -f "$here/itnet-camvid.checkpoint.pt" ]; then
    mkdir -p "$rare"
    cp "$here/itnet-camvid.checkpoint.pt" "$rare/checkpoint.pt"
fi
if [ -f "$rare/checkpoint.pt" ]; then
    start=$rare/checkpoint.pt # for the structure: the weights are resumed
else
    finished "$context" || train "$data" "$context" --epochs 400 --average-decay 0.998 \
        --block context --channels 32 64 128 --stem-channels 24 --stem-convolutions 1 --dilation 2 --dilation 4 --iterations 4 \
        --early-crop 192 256 --early-epochs 300 --scale 0.6 2 --light 0.5 --blur 0.2 --noise 0.2 --paste 0.5 \
        --learning-rate 3e-3 --warmup 0.01 --cooldown 0.25 --validate-every 25
    finished "$detail" || train "$data" "$detail" --start-from "$context/network.pt" --block detail --epochs 120 \
        --average-decay 0.998 --scale 0.7 1.7 --light 0.4 --blur 0.1 --noise 0.1 --paste 0.25 --lovasz 0.5 \
        --learning-rate 2e-3 --warmup 0.02 --cooldown 0.5 --validate-every 10
    finished "$restart" || train "$data" "$restart" --start-from "$detail/network.pt" --block detail --epochs 118 \
        --average-decay 0.998 --seed 7 --scale 0.65 1.8 --light 0.45 --blur 0.15 --noise 0.15 --paste 0.25 --lovasz 0.5 \
        --learning-rate 2e-3 --warmup 0.02 --cooldown 0.85 --validate-every 10
    start=$restart/network.pt
fi
train "$data" "$rare" --start-from "$start" --block detail --epochs 118 --average-decay 0.998 --seed 10 \
    --scale 0.65 1.8 --light 0.2 --colour 0.15 --blur 0.05 --noise 0.05 --paste 0.6 --class-crop 0.6 --lovasz 0.5 \
    --learning-rate 2e-3 --warmup 0.02 --cooldown 0.85 --validate-every 10 "$@"
if [ -f "$restart/network.pt" ]; then
    "$here/../tools/average_weights.py" "$restart/network.pt" "$rare/network.pt" --share 0.7 -o "$average"
fi
