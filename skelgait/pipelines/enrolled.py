"""Enrolled people that probes are compared with, and the threshold of known people."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skelgait.embeddings import Embeddings, open_embeddings
from skelgait.embeddings.file import EmbeddingFile
from skelgait.embeddings.gallery import GalleryThreshold, read_threshold
from skelgait.evaluation.identification import Identified, check_same_checkpoint, identify
from skelgait.evaluation.threshold import Threshold, learn_threshold
from skelgait.matching.options import MatchingOptions
from skelgait.pipelines.gallery_network import check_same_drawing
from skelgait.settings.identification import IdentifySettings

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Enrolled:
    """Enrolled people, and the threshold of known people.

    Attributes:
        people: embeddings of the gallery.
        top: number of people to find for each probe.
        options: how embeddings are compared.
        threshold: maximum distance at which a probe is accepted; None: no threshold.
        learned: how the threshold was estimated from a validation set; None: it was not.
        stored: threshold of `skelgait gallery check`, if it is used; None: another one, or none.
    """

    people: Embeddings
    top: int
    options: MatchingOptions
    threshold: float | None
    learned: Threshold | None
    stored: GalleryThreshold | None

    @property
    def n_people(self) -> int:
        """Number of enrolled people."""
        return len({key.identity for key in self.people.keys})

    def identify(self, probes: Embeddings) -> list[Identified]:
        """Return the nearest people of each probe, see `skelgait.evaluation.identification.identify`."""
        return identify(probes, self.people, self.options, top=self.top, threshold=self.threshold)


def open_enrolled(config: IdentifySettings, gallery: EmbeddingFile, device: torch.device | None) -> Enrolled:
    """Return the people of a gallery.

    Args:
        config: settings; they give the threshold, or from what it is estimated. Default: that of the gallery.
        gallery: the gallery.
        device: device that compares embeddings; None: the CPU, without torch.

    Raises:
        DataError: if a file cannot be read, or the validation set was embedded with another checkpoint.
    """
    people = gallery.select(gallery.keys)
    threshold, learned, stored = config.threshold, None, None
    options = MatchingOptions(config.distance, device, config.memory_mb)
    if config.validation:
        file = open_embeddings(config.validation, gallery.embedding)
        check_same_gallery(gallery, file)
        learned = learn_threshold(file.select(file.keys), people, config.false_accept, options)
        threshold = learned.distance
    elif threshold is None:
        stored = _stored_threshold(gallery, config.distance)
        threshold = stored.value if stored else None
    return Enrolled(people, config.top, options, threshold, learned, stored)


def check_same_gallery(gallery: EmbeddingFile, file: EmbeddingFile) -> None:
    """Check that other embeddings were made by the network of the gallery, from maps that were drawn as its own.

    Raises:
        DataError: if they were not.
    """
    check_same_checkpoint([(str(item.path), item.facts.checkpoint_sha256) for item in (gallery, file)])
    check_same_drawing(gallery.path, gallery.facts.drawn, file.path, file.facts.drawn)


def _stored_threshold(gallery: EmbeddingFile, distance: str) -> GalleryThreshold | None:
    """Return the threshold of the gallery; None if it has none, or one of other distances."""
    stored = read_threshold(gallery.path)
    if stored and (stored.distance, stored.embedding) != (distance, gallery.embedding):
        text = (
            "%s: its threshold is not used, it is of %s distances of embedding %d; run `skelgait gallery check` again"
        )
        log.warning(text, gallery.path, stored.distance, stored.embedding)
        return None
    return stored
