"""Independent learners: every agent learns as if the others were weather.

Nothing but the structure differs from MAPPO and MADDPG: critics see their own agent alone, what it
observes and does. The others learn at the same time, so what an agent has learnt of them ages (Tan
1993); and where all share one network, all move together, which a critic that sees one agent takes
for its own doing. How much that costs is what these are for.

Sources: de Witt et al., "Is independent learning all you need in the StarCraft multi-agent
challenge?", 2020 (independent PPO); Lillicrap et al. 2016 (DDPG).
"""

from functools import partial

from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.algorithms.maddpg.algorithm import Maddpg
from equibid.learning.algorithms.mappo.algorithm import Mappo

ALGORITHMS.add("ippo", "Independent PPO: MAPPO whose values see one agent alone.")(
    partial(Mappo, structure="independent")
)
ALGORITHMS.add("iddpg", "Independent DDPG: MADDPG whose critics see one agent alone.")(
    partial(Maddpg, structure="independent")
)
