#!/bin/sh
# The recipe of the small packaged model, as one command that may be interrupted and continued:
#
#     training/itnet-camvid-small.sh CAMVID DIRECTORY [more options of itrt train, for the last part]
#
# First DIRECTORY/first, 100 epochs from random weights; then DIRECTORY/restart, from its weights on, the learning rate up once
# more and falling nearly all of the time.
set -eu
data=$1
first=$2/first
restart=$2/restart
shift 2

# As in itnet-camvid.sh.
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
    itrt train --data "$data" --output "$output" $resume --block detail --batch-size 8 --crop 256 352 \
        --scale 0.7 1.7 --light 0.4 --blur 0.1 --noise 0.1 --class-crop 0.3 --paste 0.25 \
        --weight-decay 5e-2 --schedule trapezoid --warmup 0.02 --class-weight-cap 2.5 --loss-stride 4 --lovasz 0.5 \
        --iteration-weight 0.2 --iteration-weight 0.4 --iteration-weight 0.7 --iteration-weight 1 "$@"
}

[ -f "$first/network.pt" ] || train "$first" --epochs 100 \
    --channels 24 32 64 --stem-channels 16 --stem-convolutions 1 --dilation 2 --dilation 4 --iterations 4 \
    --early-crop 192 256 --early-epochs 90 --learning-rate 4e-3 --cooldown 0.4 --average-decay 0.995 --validate-every 20
train "$restart" --start-from "$first/network.pt" --epochs 60 --seed 1 \
    --learning-rate 3e-3 --cooldown 0.9 --average-decay 0.997 --validate-every 10 "$@"
