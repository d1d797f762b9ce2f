"""Street scenes drawn with numpy, so that everything can be tried without a data set.

Sky, building, pole, road, pavement, tree, sign, fence, car, pedestrian, bicyclist: CamVid's classes, as boxes and
ellipsoids in perspective, with light, shadows, haze and noise. They look like streets and can be learned in some
epochs; a network that knows nothing else is of no use for real images.

    street: shapes, ground, sun ──► render: rays, shadows, haze ──► photograph: bonnet, blur, noise ──► image, label
    camera: moves in a video ───────┘
"""

from itrt.train.data.synthetic.scenes import (
    SyntheticScenes,
    draw_scene,
    synthetic_data,
    synthetic_video,
    write_synthetic,
)

__all__ = ["SyntheticScenes", "draw_scene", "synthetic_data", "synthetic_video", "write_synthetic"]
