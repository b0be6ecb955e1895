"""Folders of silhouette images."""

from skelgait.raw.silhouettes.folders import ImageFolders, find_image_folders
from skelgait.raw.silhouettes.images import SilhouetteImages, find_silhouette_images

__all__ = ["ImageFolders", "SilhouetteImages", "find_image_folders", "find_silhouette_images"]
