#!/bin/sh
# The recipe of the small packaged model, as one command that may be interrupted and continued:
#
#     training/itnet-camvid-small.sh CAMVID DIRECTORY [more options of itrt train]
set -eu
data=$1
output=$2
shift 2

resume=
if [ -f "$output/checkpoint.pt" ]; then
    resume=--resume
fi

# As in itnet-camvid.sh.
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=268435456
export OMP_WAIT_POLICY=passive

exec itrt train --data "$data" --output "$output" $resume --epochs 100 \
    --block detail --channels 24 32 64 --stem-channels 16 --stem-convolutions 1 --dilation 2 --dilation 4 --iterations 4 \
    --batch-size 8 --crop 256 352 --early-crop 192 256 --early-epochs 90 --scale 0.7 1.7 \
    --light 0.4 --blur 0.1 --noise 0.1 --class-crop 0.3 --paste 0.25 \
    --learning-rate 4e-3 --weight-decay 5e-2 --schedule trapezoid --warmup 0.02 --cooldown 0.4 --average-decay 0.995 \
    --class-weight-cap 2.5 --loss-stride 4 --lovasz 0.5 --validate-every 20 \
    --iteration-weight 0.2 --iteration-weight 0.4 --iteration-weight 0.7 --iteration-weight 1 "$@"
