"""Bidders that are trained: algorithms, the parts they share, and the trainer that runs them."""

# An algorithm is declared when its module is imported.
from equibid.learning import accb as accb
from equibid.learning import dcmab as dcmab
from equibid.learning import drlb as drlb
from equibid.learning import independent as independent
from equibid.learning import maab as maab
from equibid.learning import maddpg as maddpg
from equibid.learning import mappo as mappo
from equibid.learning import uscb as uscb
from equibid.learning.algorithm import ALGORITHMS, Algorithm, algorithm_named
from equibid.learning.task import Task

__all__ = ["ALGORITHMS", "Algorithm", "Task", "algorithm_named"]
