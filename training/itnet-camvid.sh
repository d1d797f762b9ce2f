#!/bin/sh
# The recipe of the packaged model, as one command that may be interrupted, continued and extended:
#
#     training/itnet-camvid.sh CAMVID DIRECTORY [more options of itrt train]
#
# goes on from DIRECTORY's checkpoint; from the one in this directory, if DIRECTORY has none; from the beginning, if there
# is none at all. With --epochs N it ends after N epochs, the last quarter of them cooling down.
set -eu
here=$(dirname "$0")
data=$1
output=$2
shift 2

mkdir -p "$output"
if [ ! -f "$output/checkpoint.pt" ] && [ -f "$here/itnet-camvid.checkpoint.pt" ]; then
    cp "$here/itnet-camvid.checkpoint.pt" "$output/checkpoint.pt"
fi
resume=
if [ -f "$output/checkpoint.pt" ]; then
    resume=--resume
fi

# glibc keeps freed pages: a tenth of the time went into page faults. Threads that wait sleep: a busy core is shared.
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=268435456
export OMP_WAIT_POLICY=passive

exec itrt train --data "$data" --output "$output" $resume --epochs 1000 \
    --block context --channels 32 64 128 --stem-channels 24 --stem-convolutions 1 --dilation 2 --dilation 4 --iterations 4 \
    --batch-size 8 --crop 256 352 --early-crop 192 256 --early-epochs 300 --scale 0.6 2 \
    --light 0.5 --blur 0.2 --noise 0.2 --class-crop 0.3 --paste 0.5 \
    --learning-rate 3e-3 --weight-decay 5e-2 --schedule trapezoid --warmup 0.01 --cooldown 0.25 --average-decay 0.998 \
    --class-weight-cap 2.5 --loss-stride 4 --validate-every 25 \
    --iteration-weight 0.2 --iteration-weight 0.4 --iteration-weight 0.7 --iteration-weight 1 "$@"
