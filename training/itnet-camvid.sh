#!/bin/sh
# The recipe of the packaged model, as one command that may be interrupted, continued and extended:
#
#     training/itnet-camvid.sh CAMVID DIRECTORY [more options of itrt train, for the last part]
#
# DIRECTORY/context, 400 epochs of a context network from random weights; DIRECTORY/detail, the same network with a residual unit
# at 1/4 more, 120 epochs of a stronger loss and weaker augmentation; DIRECTORY/restart, 118 epochs from its weights on, the learning
# rate up once more and falling nearly all of the time; DIRECTORY/rare, the same again with more of the rare classes and less change
# of colour, and an average of these two. From that on twice: DIRECTORY/again, 140 epochs like those of rare, and DIRECTORY/light,
# with more change of light, and their average. Last, DIRECTORY/whole, 120 epochs like those of again on crops that are nearly
# whole images, DIRECTORY/longer, 120 more, and DIRECTORY/network.pt: an average of these two, its logits shifted. Each part goes on
# from its checkpoint; DIRECTORY/longer from the one beside this file, if DIRECTORY has no part: then it is all that is trained.
set -eu
here=$(dirname "$0")
data=$1
context=$2/context
detail=$2/detail
restart=$2/restart
rare=$2/rare
average=$2/average.pt
again=$2/again
light=$2/light
both=$2/both.pt
whole=$2/whole
longer=$2/longer
last=$2/last.pt
network=$2/network.pt
shift 2

. "$here/common.sh"

# train_further DIRECTORY START OPTIONS: what all parts behind the second have in common.
train_further() {
    directory=$1
    start=$2
    shift 2
    train "$data" "$directory" --start-from "$start" --block detail --average-decay 0.998 --scale 0.65 1.8 --lovasz 0.5 \
        --learning-rate 2e-3 --warmup 0.02 --cooldown 0.85 --validate-every 10 "$@"
}

more_light="--light 0.45 --blur 0.15 --noise 0.15"

if [ ! -f "$longer/checkpoint.pt" ] && [ ! -d "$context" ] && [ -f "$here/itnet-camvid.checkpoint.pt" ]; then
    mkdir -p "$whole" "$longer"
    cp "$here/itnet-camvid.whole.pt" "$whole/network.pt"
    cp "$here/itnet-camvid.checkpoint.pt" "$longer/checkpoint.pt"
fi
if [ -f "$longer/checkpoint.pt" ]; then
    start=$longer/checkpoint.pt # for the structure: the weights are resumed
else
    finished "$context" || train "$data" "$context" --epochs 400 --average-decay 0.998 \
        --block context --channels 32 64 128 --stem-channels 24 --stem-convolutions 1 --dilation 2 --dilation 4 --iterations 4 \
        --early-crop 192 256 --early-epochs 300 --scale 0.6 2 --light 0.5 --blur 0.2 --noise 0.2 --paste 0.5 \
        --learning-rate 3e-3 --warmup 0.01 --cooldown 0.25 --validate-every 25
    finished "$detail" || train "$data" "$detail" --start-from "$context/network.pt" --block detail --epochs 120 \
        --average-decay 0.998 --scale 0.7 1.7 --light 0.4 --blur 0.1 --noise 0.1 --paste 0.25 --lovasz 0.5 \
        --learning-rate 2e-3 --warmup 0.02 --cooldown 0.5 --validate-every 10
    finished "$restart" || train_further "$restart" "$detail/network.pt" --epochs 118 --seed 7 $more_light --paste 0.25
    finished "$rare" || train_further "$rare" "$restart/network.pt" --epochs 118 --seed 10 $less_colour $more_rare
    "$here/../tools/average_weights.py" "$restart/network.pt" "$rare/network.pt" --share 0.7 -o "$average"
    finished "$again" || train_further "$again" "$average" --epochs 140 --seed 11 $less_colour $more_rare
    finished "$light" || train_further "$light" "$average" --epochs 140 --seed 12 $more_light $more_rare
    "$here/../tools/average_weights.py" "$again/network.pt" "$light/network.pt" --share 0.3 -o "$both"
    finished "$whole" || train_further "$whole" "$both" --epochs 120 --seed 21 --crop 352 480 $less_colour $more_rare
    start=$whole/network.pt
fi
train_further "$longer" "$start" --epochs 120 --seed 31 --crop 352 480 $less_colour $more_rare "$@"
"$here/../tools/average_weights.py" "$whole/network.pt" "$longer/network.pt" --share 0.5 -o "$last"
"$here/../tools/fit_class_offsets.py" "$last" --data "$data" -o "$network"
