"""The options ``--data`` and ``--dataset`` of several commands; the names are those of `itrt.train.data.LAYOUTS`."""

DATA_HELP = "A data set's directory, or synthetic: drawn street scenes."
DATASET_HELP = "camvid, camvid-original, cityscapes, pascal-voc or ade20k. [default: as the directory looks]"
