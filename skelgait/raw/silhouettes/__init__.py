"""Folders of silhouette images, as datasets give them."""

from skelgait.raw.silhouettes.folders import ImageFolders, find_folders
from skelgait.raw.silhouettes.images import SilhouetteImages, image_silhouettes

__all__ = ["ImageFolders", "SilhouetteImages", "find_folders", "image_silhouettes"]
