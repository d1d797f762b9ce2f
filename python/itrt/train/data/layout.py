"""A data set is a directory in a layout: where the files of a split are, what a label's values mean."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from itrt.errors import InvalidArgumentError, ItrtError, MissingFileError
from itrt.train.data.pictures import Pair, Pixels, read_pairs
from itrt.train.data.segmentation import Colour, ImageSet, check_label_values


@dataclass(frozen=True)
class Layout:
    """How the directories of a data set are arranged.

    Parameters
    ----------
    name, title
        What options call it, and what people do.
    class_names, palette, ignore_index
        As in `SegmentationData`.
    splits
        Splits that have labels; "train" and "val" are among them.
    tree
        The directory, drawn; what errors show. "{root}" is the directory's path.
    markers
        Paths below the root that tell this layout from others.
    list_pairs
        From (root, split) to existing pairs of image and label, sorted; raises ItrtError.
    decode_label
        From a label's path to classes, uint8 (H, W).
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    palette: tuple[Colour, ...]
    ignore_index: int
    splits: tuple[str, ...]
    tree: str
    markers: tuple[str, ...]
    list_pairs: Callable[[Path, str], list[Pair]]
    decode_label: Callable[[Path], Pixels]

    def recognizes(self, root: Path) -> bool:
        """Whether a directory looks like this layout."""
        return all((root / marker).exists() for marker in self.markers)

    def expected(self, root: Path) -> str:
        """The tree that the directory should have."""
        return f"Expected for {self.title}:\n{self.tree.format(root=root)}"

    def pairs(self, root: Path, split: str) -> list[Pair]:
        """Return (image, label) paths of a split, all of them existing.

        Raises
        ------
        InvalidArgumentError
            For an unknown split, a malformed list, or a split without images.
        MissingFileError
            If a file is missing; the message names it and shows the expected tree beside what was found.
        """
        if split not in self.splits:
            raise InvalidArgumentError(f"split: expected one of {', '.join(self.splits)}, found {split}")
        try:
            pairs = self.list_pairs(root, split)
            if not pairs:
                raise InvalidArgumentError(f"found no images of split {split}")
            for image, label in pairs:
                if not image.is_file():
                    raise MissingFileError(f"found no file {image}")
                if not label.is_file():
                    raise MissingFileError(f"found no label {label} for the image {image}")
        except ItrtError as error:
            raise type(error)(
                f"{root}: expected {self.title}, {error}. {self.expected(root)}\n{found_in(root)}"
            ) from None
        return pairs

    def decode(self, label: Path) -> Pixels:
        """Decode a label and check its values; raise InvalidArgumentError with its path."""
        classes = self.decode_label(label)
        check_label_values(f"label {label}", classes, len(self.class_names), self.ignore_index)
        return classes


@dataclass(frozen=True)
class Directory:
    """A data set in a directory: a `DataSource`."""

    layout: Layout
    root: Path

    title = property(lambda self: str(self.layout.title))
    class_names = property(lambda self: self.layout.class_names)
    palette = property(lambda self: self.layout.palette)
    ignore_index = property(lambda self: int(self.layout.ignore_index))

    def split(self, name: str, stored: bool = False) -> ImageSet:
        """Return the images and labels of a split; raise as `Layout.pairs` and for files that cannot be decoded.

        What fits into 2 GiB is decoded at once, so that a wrong label is found before the work starts; with ``stored``,
        nothing is.
        """
        pairs = self.layout.pairs(self.root, name)
        images, labels = read_pairs(pairs, self.layout.decode, stored)
        return ImageSet(images, labels, [image.name for image, _ in pairs])


def found_in(root: Path) -> str:
    """Draw what is in a directory, two levels deep, for an error message."""
    if not root.is_dir():
        return f"Found:\n  {root} is {'a file' if root.exists() else 'not there'}"
    return "Found:\n" + "\n".join([f"  {root}/", *_listing(root, indent=4, most=12, levels=2)])


def _listing(directory: Path, indent: int, most: int, levels: int) -> list[str]:
    lines = []
    entries = sorted(directory.iterdir())
    for entry in entries[:most]:
        lines.append(f"{' ' * indent}{entry.name}{'/' if entry.is_dir() else ''}")
        if entry.is_dir() and levels > 1:
            lines += _listing(entry, indent + 2, most=3, levels=levels - 1)
    if len(entries) > most:
        lines.append(f"{' ' * indent}... and {len(entries) - most} more")
    return lines or [" " * indent + "(nothing)"]
