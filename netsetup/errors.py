"""Errors that reach people: what happened, and `hint`, the next step to try."""

from __future__ import annotations


class NetsetupError(Exception):
    """Base of every error that is shown to a user. Nothing was changed, or everything was put back."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadRequest(NetsetupError):
    """What was asked for is impossible or outside the limits."""


class FactsChanged(NetsetupError):
    """The host is not as it was when the plan was made."""


class KernelRefused(NetsetupError):
    """The kernel refused a step; everything done before was undone."""
