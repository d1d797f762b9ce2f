"""A camera behind a windscreen: rays through pixels, and where shapes can appear."""

from dataclasses import dataclass

import numpy as np

from itrt.train.data.synthetic.shapes import Floats

_NEAR = 0.2  # metres


@dataclass(frozen=True)
class Camera:
    """A pinhole.

    Parameters
    ----------
    position
        Metres: x, height above the road, z.
    yaw
        Radians to the right of straight ahead.
    horizon
        The horizon's row, as a share of the picture's height from above.
    focal
        Focal length as a share of the picture's width.
    """

    position: tuple[float, float, float]
    yaw: float
    horizon: float
    focal: float

    def rays(self, height: int, width: int) -> Floats:
        """Directions through the centres of all pixels, (height, width, 3); one metre ahead in each."""
        focal = self.focal * width
        columns = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / focal
        rows = (self.horizon * height - np.arange(height, dtype=np.float32) - 0.5) / focal
        rays = np.empty((height, width, 3), np.float32)
        cosine, sine = np.cos(self.yaw), np.sin(self.yaw)
        rays[..., 0] = columns * cosine + sine
        rays[..., 1] = rows[:, None]
        rays[..., 2] = cosine - columns * sine
        return rays

    def window(self, corners: Floats, height: int, width: int) -> tuple[slice, slice] | None:
        """Rows and columns in which a shape with these corners, (8, 3), can appear; None if it cannot."""
        offset = corners - np.asarray(self.position, np.float32)
        cosine, sine = np.cos(self.yaw), np.sin(self.yaw)
        ahead = self._ahead(corners)
        if ahead.max() < _NEAR:
            return None
        if ahead.min() < _NEAR:  # beside the camera: its projection has no bounds
            return slice(0, height), slice(0, width)
        focal = self.focal * width
        x = (offset[:, 0] * cosine - offset[:, 2] * sine) / ahead * focal + width / 2
        y = self.horizon * height - offset[:, 1] / ahead * focal
        columns = slice(max(int(x.min()) - 1, 0), min(int(x.max()) + 2, width))
        rows = slice(max(int(y.min()) - 1, 0), min(int(y.max()) + 2, height))
        return (rows, columns) if columns.start < columns.stop and rows.start < rows.stop else None

    def nearest(self, corners: Floats) -> float:
        """How far ahead a shape with these corners, (8, 3), begins, in the unit of the rays: metres."""
        return float(self._ahead(corners).min())

    def _ahead(self, corners: Floats) -> Floats:
        offset = corners - np.asarray(self.position, np.float32)
        ahead: Floats = offset[:, 2] * np.cos(self.yaw) + offset[:, 0] * np.sin(self.yaw)
        return ahead
