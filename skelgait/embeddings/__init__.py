"""Embeddings: made of sequences by a network, and kept in a file."""

from skelgait.embeddings.embed import embed
from skelgait.embeddings.embeddings import Embeddings
from skelgait.embeddings.file import EmbeddingFacts, open_embeddings, write_embeddings

__all__ = ["EmbeddingFacts", "Embeddings", "embed", "open_embeddings", "write_embeddings"]
