"""Where pages are read: in this process, in a pool of them, or on the nodes of a cluster."""

from docproc.engine.cluster import RayEngine
from docproc.engine.pool import PoolEngine
from docproc.engine.protocol import Engine, Lost, OpenWork
from docproc.engine.serial import SerialEngine

__all__ = ["Engine", "Lost", "OpenWork", "PoolEngine", "RayEngine", "SerialEngine"]
