"""Where pages are read: in this process, in a pool of them, or on the nodes of a cluster."""

from docproc.engine.choice import FEW_PAGES, available_cores, choose_engine, engine_named
from docproc.engine.cluster import RayEngine
from docproc.engine.executor import Executor
from docproc.engine.pool import PoolEngine
from docproc.engine.protocol import Engine, Lost, OpenWork
from docproc.engine.serial import SerialEngine

__all__ = [
    "FEW_PAGES",
    "Engine",
    "Executor",
    "Lost",
    "OpenWork",
    "PoolEngine",
    "RayEngine",
    "SerialEngine",
    "available_cores",
    "choose_engine",
    "engine_named",
]
