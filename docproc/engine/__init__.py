"""Where pages are read: in this process, or in a pool of them."""

from docproc.engine.pool import PoolEngine
from docproc.engine.protocol import Engine, Lost, OpenWork
from docproc.engine.serial import SerialEngine

__all__ = ["Engine", "Lost", "OpenWork", "PoolEngine", "SerialEngine"]
