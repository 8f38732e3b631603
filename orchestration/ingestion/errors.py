"""What can be wrong with a user's files or with sources.yml; each message carries its remedy."""

from __future__ import annotations

from orchestration.errors import WarehouseError


class IngestionError(WarehouseError):
    """Something about the sources that the user can put right."""


class SourcesError(IngestionError):
    """sources.yml cannot be used as it is."""


class FileError(IngestionError):
    """One file cannot be landed; the others are unaffected."""


class EmptyFileError(FileError):
    """The file holds not even a header."""


class UnreadableFileError(FileError):
    """The file is not in the format that its source declares, or is damaged."""


class MissingColumnError(FileError):
    """The file lacks a column without which its rows mean nothing."""


class MappingError(FileError):
    """An expression that maps a file's columns cannot be evaluated."""
