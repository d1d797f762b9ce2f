#!/bin/sh
# The recipe of the packaged model, as one command that may be interrupted, continued and extended:
#
#     training/itnet-camvid.sh CAMVID DIRECTORY [more options of itrt train, for the last part]
#
# First DIRECTORY/context, 400 epochs of a context network from random weights; then DIRECTORY/detail, the same network with a
# residual unit at 1/4 more, 120 epochs of a stronger loss and weaker augmentation; then DIRECTORY/restart, --epochs from its weights
# on, the learning rate up once more and falling nearly all of the time. Each goes on from its checkpoint; the last from the one
# beside this file, if DIRECTORY has none: then the others are not repeated.
set -eu
here=$(dirname "$0")
data=$1
context=$2/context
detail=$2/detail
restart=$2/restart
shift 2

# glibc keeps freed pages: a tenth of the time went into page faults. Threads that wait sleep: a busy core is shared.
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=268435456
export OMP_WAIT_POLICY=passive

# train DIRECTORY OPTIONS: what all parts have in common.
train() {
    output=$1
    shift
    resume=
    if [ -f "$output/checkpoint.pt" ]; then
        resume=--resume
    fi
    itrt train --data "$data" --output "$output" $resume --batch-size 8 --crop 256 352 --class-crop 0.3 \
        --weight-decay 5e-2 --schedule trapezoid --average-decay 0.998 --class-weight-cap 2.5 --loss-stride 4 \
        --iteration-weight 0.2 --iteration-weight 0.4 --iteration-weight 0.7 --iteration-weight 1 "$@"
}

# finished DIRECTORY: whether a part is done.
finished() {
    [ -f "$1/network.pt" ]
}

if [ ! -f "$restart/checkpoint.pt" ] && [ -f "$here/itnet-camvid.checkpoint.pt" ]; then
    mkdir -p "$restart"
    cp "$here/itnet-camvid.checkpoint.pt" "$restart/checkpoint.pt"
fi
if [ -f "$restart/checkpoint.pt" ]; then
    start=$restart/checkpoint.pt # for the structure: the weights are resumed
else
    finished "$context" || train "$context" --epochs 400 \
        --block context --channels 32 64 128 --stem-channels 24 --stem-convolutions 1 --dilation 2 --dilation 4 --iterations 4 \
        --early-crop 192 256 --early-epochs 300 --scale 0.6 2 --light 0.5 --blur 0.2 --noise 0.2 --paste 0.5 \
        --learning-rate 3e-3 --warmup 0.01 --cooldown 0.25 --validate-every 25
    finished "$detail" || train "$detail" --start-from "$context/network.pt" --block detail --epochs 120 \
        --scale 0.7 1.7 --light 0.4 --blur 0.1 --noise 0.1 --paste 0.25 --lovasz 0.5 \
        --learning-rate 2e-3 --warmup 0.02 --cooldown 0.5 --validate-every 10
    start=$detail/network.pt
fi
train "$restart" --start-from "$start" --block detail --epochs 130 --seed 7 \
    --scale 0.65 1.8 --light 0.45 --blur 0.15 --noise 0.15 --paste 0.25 --lovasz 0.5 \
    --learning-rate 2e-3 --warmup 0.02 --cooldown 0.85 --validate-every 10 "$@"
