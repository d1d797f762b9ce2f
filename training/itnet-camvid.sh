#!/bin/sh
# The recipe of the packaged model, as one command that may be interrupted, continued and extended:
#
#     training/itnet-camvid.sh CAMVID DIRECTORY [more options of itrt train, for the second part]
#
# First DIRECTORY/context, 400 epochs of a context network from random weights; then DIRECTORY/detail, the same network with a
# residual unit at 1/4 more, --epochs of a stronger loss and weaker augmentation, the second half of them cooling down. Either goes on
# from its checkpoint; the second part from the one beside this file, if DIRECTORY has none: then the first is not repeated.
set -eu
here=$(dirname "$0")
data=$1
context=$2/context
detail=$2/detail
shift 2

# glibc keeps freed pages: a tenth of the time went into page faults. Threads that wait sleep: a busy core is shared.
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=268435456
export OMP_WAIT_POLICY=passive

# train DIRECTORY OPTIONS: what both parts have in common.
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

if [ ! -f "$detail/checkpoint.pt" ] && [ -f "$here/itnet-camvid.checkpoint.pt" ]; then
    mkdir -p "$detail"
    cp "$here/itnet-camvid.checkpoint.pt" "$detail/checkpoint.pt"
fi
if [ -f "$detail/checkpoint.pt" ]; then
    start=$detail/checkpoint.pt # for the structure: the weights are resumed
else
    train "$context" --epochs 400 \
        --block context --channels 32 64 128 --stem-channels 24 --stem-convolutions 1 --dilation 2 --dilation 4 --iterations 4 \
        --early-crop 192 256 --early-epochs 300 --scale 0.6 2 --light 0.5 --blur 0.2 --noise 0.2 --paste 0.5 \
        --learning-rate 3e-3 --warmup 0.01 --cooldown 0.25 --validate-every 25
    start=$context/network.pt
fi
train "$detail" --start-from "$start" --block detail --epochs 120 \
    --scale 0.7 1.7 --light 0.4 --blur 0.1 --noise 0.1 --paste 0.25 --lovasz 0.5 \
    --learning-rate 2e-3 --warmup 0.02 --cooldown 0.5 --validate-every 10 "$@"
