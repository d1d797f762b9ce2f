# What the recipes have in common; read by them.

# glibc keeps freed pages: a tenth of the time went into page faults. Threads that wait sleep: a busy core is shared.
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=268435456
export OMP_WAIT_POLICY=passive

less_colour="--light 0.2 --colour 0.15 --blur 0.05 --noise 0.05"
more_rare="--paste 0.6 --class-crop 0.6"

# train CAMVID DIRECTORY OPTIONS: starts a part, or goes on from its checkpoint.
train() {
    data=$1
    output=$2
    shift 2
    resume=
    if [ -f "$output/checkpoint.pt" ]; then
        resume=--resume
    fi
    itrt train --data "$data" --output "$output" $resume --batch-size 8 --crop 256 352 --class-crop 0.3 \
        --weight-decay 5e-2 --schedule trapezoid --class-weight-cap 2.5 --loss-stride 4 \
        --iteration-weight 0.2 --iteration-weight 0.4 --iteration-weight 0.7 --iteration-weight 1 "$@"
}

# finished DIRECTORY: whether a part is done.
finished() {
    [ -f "$1/network.pt" ]
}
