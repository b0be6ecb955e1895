"""Silhouettes: images of people cut out, aligned to one height and one place, or as they are."""

from skelgait.silhouettes.align import align_silhouette
from skelgait.silhouettes.dataset import align_dataset
from skelgait.silhouettes.folders import ImageFolders, find_folders
from skelgait.silhouettes.images import SilhouetteImages, image_silhouettes

__all__ = [
    "ImageFolders",
    "SilhouetteImages",
    "align_dataset",
    "align_silhouette",
    "find_folders",
    "image_silhouettes",
]
