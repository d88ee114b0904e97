"""The cameras of a contact sheet by pages. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence

from .grid import Grid


class Pages:
    """`page` counts from 0; `grid` says how many pictures are on one."""

    def __init__(self, cameras: Sequence[int]) -> None:
        self.cameras = list(cameras)
        self.grid = Grid(1, 1, 1, 1)
        self.page = 0

    @property
    def count(self) -> int:
        return self.grid.pages(len(self.cameras))

    @property
    def here(self) -> list[int]:
        """The cameras of this page."""
        first = self.page * self.grid.per_page
        return self.cameras[first : first + self.grid.per_page]

    def keep(self, known: Container[int]) -> bool:
        """Drop the cameras that are not known any more; True if there were any."""
        kept = [camera for camera in self.cameras if camera in known]
        dropped, self.cameras = len(kept) != len(self.cameras), kept
        return dropped

    def fit(self, grid: Grid, camera: int | None = None) -> None:
        """Pages of this grid, at the one with this camera, or at the one that was shown."""
        self.grid = grid
        if camera in self.cameras:
            self.page = self.cameras.index(camera) // grid.per_page
        self.page = min(self.page, self.count - 1)

    def turn(self, step: int) -> int | None:
        """To the next or last page: the camera that is nearest there, None where there is no such page."""
        if not step or not 0 <= self.page + step < self.count:
            return None
        self.page += step
        return self.here[0 if step > 0 else -1]
