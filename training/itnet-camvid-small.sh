#!/bin/sh
# The recipe of the small packaged model, as one command that may be interrupted and continued:
#
#     training/itnet-camvid-small.sh CAMVID DIRECTORY [more options of itrt train, for the last part]
#
# First DIRECTORY/first, 100 epochs from random weights; then DIRECTORY/restart, from its weights on, the learning rate up once
# more and falling nearly all of the time; then DIRECTORY/again, the same from these on, DIRECTORY/rare, with more of the rare
# classes and less change of colour, and DIRECTORY/whole, on crops that are nearly whole images. Last, DIRECTORY/network.pt: its logits
# shifted.
set -eu
here=$(dirname "$0")
data=$1
first=$2/first
restart=$2/restart
again=$2/again
rare=$2/rare
whole=$2/whole
network=$2/network.pt
shift 2

. "$here/common.sh"

# train_small DIRECTORY OPTIONS: what all parts have in common.
train_small() {
    directory=$1
    shift
    train "$data" "$directory" --block detail --scale 0.7 1.7 --lovasz 0.5 --warmup 0.02 "$@"
}

more_light="--light 0.4 --blur 0.1 --noise 0.1 --paste 0.25"

finished "$first" || train_small "$first" --epochs 100 $more_light \
    --channels 24 32 64 --stem-channels 16 --stem-convolutions 1 --dilation 2 --dilation 4 --iterations 4 \
    --early-crop 192 256 --early-epochs 90 --learning-rate 4e-3 --cooldown 0.4 --average-decay 0.995 --validate-every 20
finished "$restart" || train_small "$restart" --start-from "$first/network.pt" --epochs 60 --seed 1 $more_light \
    --learning-rate 3e-3 --cooldown 0.9 --average-decay 0.997 --validate-every 10
finished "$again" || train_small "$again" --start-from "$restart/network.pt" --epochs 48 --seed 2 $more_light \
    --learning-rate 3e-3 --cooldown 0.95 --average-decay 0.997 --validate-every 15
finished "$rare" || train_small "$rare" --start-from "$again/network.pt" --epochs 75 --seed 3 $less_colour $more_rare \
    --learning-rate 3e-3 --cooldown 0.95 --average-decay 0.997 --validate-every 15
train_small "$whole" --start-from "$rare/network.pt" --epochs 80 --seed 4 --crop 352 480 $less_colour $more_rare \
    --learning-rate 3e-3 --cooldown 0.95 --average-decay 0.997 --validate-every 10 "$@"
"$here/../tools/fit_class_offsets.py" "$whole/network.pt" --data "$data" -o "$network"
