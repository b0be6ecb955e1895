"""Embeddings: computed from sequences by a network, and stored in a file."""

from skelgait.embeddings.embeddings import Embeddings
from skelgait.embeddings.extraction import InferenceOptions, embed
from skelgait.embeddings.file import EmbeddingFacts, open_embeddings, write_embeddings

__all__ = ["EmbeddingFacts", "Embeddings", "InferenceOptions", "embed", "open_embeddings", "write_embeddings"]
